// Makes a heap dump of a chosen size for the benchmarks: the same heap every time, with the mix a business application
// has. About 14 objects a customer (name, address, orders, map entry), then lists, trees, maps, duplicate strings,
// blobs, references of every strength, threads with locals, class loaders, and garbage that no collection has seen.
//
//   javac -d DIR HeapGenerator.java
//   java -XX:+UseSerialGC -Xms4g -Xmx4g -Xmn2g -Xss1m -cp DIR HeapGenerator 15.3 OUT.hprof
//
// First argument: millions of objects, about. At 15.3 the dump has 835 MB, 15.3 M objects and 27 M references
// (41 M with the edge of each object to its class). The large young generation keeps the garbage until the dump.
import com.sun.management.HotSpotDiagnosticMXBean;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.lang.ref.PhantomReference;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.SoftReference;
import java.lang.ref.WeakReference;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;

public final class HeapGenerator {
    enum Status { OPEN, PAID, SENT, RETURNED }

    static final class Address {
        String street, city;
        int zip;
    }

    static class Customer {
        int id;
        String name, email, country;
        Address address;
        List<Order> orders;
    }

    static final class VipCustomer extends Customer {
        double discount;
    }

    static final class Order {
        Customer customer;
        Order previous;
        Status status;
        Address address;
        int[] items;
        int id;
    }

    static final class Tree {
        Tree left, right;
        int depth;
    }

    static final class DeepNode {
        DeepNode next;
        int value;
    }

    static final class Ring {
        Ring next;
        Object owner;
    }

    static final class Session {
        String key;
        byte[] body;
        long touched;
    }

    /** Loaded once by each PluginLoader, so that the dump has many classes of one name. */
    public static final class Plugin {
        static final Map<String, Object> SETTINGS = new HashMap<>();
        final Object[] state = new Object[16];
    }

    static final class PluginLoader extends ClassLoader {
        PluginLoader() {
            super("plugin", HeapGenerator.class.getClassLoader());
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            if (!name.equals("HeapGenerator$Plugin")) return super.loadClass(name, resolve);
            try (InputStream in = getParent().getResourceAsStream("HeapGenerator$Plugin.class")) {
                byte[] bytes = in.readAllBytes();
                return defineClass(name, bytes, 0, bytes.length);
            } catch (IOException e) {
                throw new ClassNotFoundException(name, e);
            }
        }
    }

    static final SplittableRandom RANDOM = new SplittableRandom(20240607);
    static final Map<Integer, Customer> CUSTOMERS = new HashMap<>();
    static final Map<String, Session> SESSIONS = new ConcurrentHashMap<>();
    static final TreeMap<Integer, String> INDEX = new TreeMap<>();
    static final LinkedList<Integer> QUEUE = new LinkedList<>();
    static final List<Object> PLUGINS = new ArrayList<>();
    static final List<Reference<?>> REFERENCES = new ArrayList<>();
    static final ReferenceQueue<Object> REFERENCE_QUEUE = new ReferenceQueue<>();
    static final WeakHashMap<Object, String> WEAK_MAP = new WeakHashMap<>();
    static final List<byte[]> BLOBS = new ArrayList<>();
    static final List<String> DUPLICATES = new ArrayList<>();
    static final List<Ring> RINGS = new ArrayList<>();
    static final ThreadLocal<Object> LOCAL = new ThreadLocal<>();
    static final CountDownLatch STOP = new CountDownLatch(1);
    static DeepNode list;
    static Tree tree;

    static String[] pool(String prefix, int size) {
        String[] strings = new String[size];
        for (int i = 0; i < size; i++) strings[i] = prefix + " " + i;
        return strings;
    }

    /** 14 objects and about 25 references each. */
    static void customers(int count) {
        String[] streets = pool("Long Street No.", 1000);
        String[] cities = pool("City", 200);
        Status[] states = Status.values();
        for (int i = 0; i < count; i++) {
            Customer customer = i % 10 == 0 ? new VipCustomer() : new Customer();
            customer.id = 1_000_000 + i;
            customer.name = "Customer " + i;
            customer.email = cities[i % cities.length];
            customer.country = cities[i % 20];
            customer.address = new Address();
            customer.address.street = streets[RANDOM.nextInt(streets.length)];
            customer.address.city = cities[RANDOM.nextInt(cities.length)];
            customer.address.zip = RANDOM.nextInt(99999);
            customer.orders = new ArrayList<>(3);
            Order previous = null;
            for (int j = 0; j < 3; j++) {
                Order order = new Order();
                order.customer = customer;
                order.previous = previous;
                order.status = states[RANDOM.nextInt(states.length)];
                order.address = customer.address;
                order.items = new int[1 + RANDOM.nextInt(2)];
                order.id = i * 3 + j;
                customer.orders.add(order);
                previous = order;
            }
            CUSTOMERS.put(customer.id, customer);
        }
    }

    static Tree grow(int nodes, int depth) {
        if (nodes <= 0) return null;
        Tree root = new Tree();
        root.depth = depth;
        root.left = grow((nodes - 1) / 2, depth + 1);
        root.right = grow(nodes - 1 - (nodes - 1) / 2, depth + 1);
        return root;
    }

    static void references(int count) {
        for (int i = 0; i < count; i++) {
            Object referent = i % 2 == 0 ? new Address() : CUSTOMERS.get(1_000_000 + i);
            if (i % 3 == 0) REFERENCES.add(new WeakReference<>(referent, REFERENCE_QUEUE));
            if (i % 3 == 1) REFERENCES.add(new SoftReference<>(referent));
            if (i % 3 == 2) REFERENCES.add(new PhantomReference<>(referent, REFERENCE_QUEUE));
            if (i % 8 == 0) WEAK_MAP.put(CUSTOMERS.get(1_000_000 + i), "customer seen " + i);
        }
    }

    static void rings(int count) {
        for (int i = 0; i < count; i++) {
            Ring first = new Ring();
            Ring last = first;
            for (int j = 0; j < 9; j++) {
                Ring ring = new Ring();
                ring.next = last;
                ring.owner = first;
                last = ring;
            }
            first.next = last;
            RINGS.add(first);
        }
    }

    static void plugins(int count) throws ReflectiveOperationException {
        for (int i = 0; i < count; i++) {
            Class<?> plugin = new PluginLoader().loadClass("HeapGenerator$Plugin", true);
            PLUGINS.add(plugin.getConstructor().newInstance());
        }
    }

    /** Parks with `depth` frames, each with locals of its own. */
    static int park(int depth, Object[] previous, CountDownLatch parked) throws InterruptedException {
        Object[] mine = new Object[8];
        mine[0] = previous;
        mine[1] = "frame " + depth;
        if (depth > 0) return park(depth - 1, mine, parked) + mine.length;
        LOCAL.set(new byte[4096]);
        parked.countDown();
        STOP.await();
        return mine.length;
    }

    static void threads(int count, int depth) throws InterruptedException {
        CountDownLatch parked = new CountDownLatch(count);
        for (int i = 0; i < count; i++) {
            Thread thread =
                    new Thread(
                            () -> {
                                try {
                                    park(depth, null, parked);
                                } catch (InterruptedException e) {
                                    Thread.currentThread().interrupt();
                                }
                            },
                            "worker-" + i);
            thread.setDaemon(true);
            thread.start();
        }
        parked.await();
    }

    public static void main(String[] arguments) throws Exception {
        double millions = Double.parseDouble(arguments[0]);
        Path out = Path.of(arguments[1]);
        int thousands = (int) (millions * 1000);
        customers(thousands * 47);  // 658 objects per thousand, the others as said at each line
        for (int i = 0; i < thousands * 9; i++) {  // 45
            Session session = new Session();
            session.key = "session-" + Integer.toHexString(i * 0x9E3779B9);
            session.body = new byte[16 + RANDOM.nextInt(32)];
            SESSIONS.put(session.key, session);
        }
        for (int i = 0; i < thousands * 15; i++) INDEX.put(RANDOM.nextInt(), "entry");  // 30
        for (int i = 0; i < thousands * 15; i++) QUEUE.add(i + 1000);  // 30
        for (int i = 0; i < thousands * 80; i++) {  // 80
            DeepNode node = new DeepNode();
            node.value = i;
            node.next = list;
            list = node;
        }
        tree = grow(thousands * 65, 0);  // 65
        for (int i = 0; i < thousands * 12; i++) {  // 24
            byte[] text = ("duplicate text number " + i % 500).getBytes(StandardCharsets.UTF_8);
            DUPLICATES.add(new String(text, StandardCharsets.ISO_8859_1));
        }
        for (int i = 0; i < thousands * 4; i++) BLOBS.add(new byte[RANDOM.nextInt(2800)]);  // 4
        references(thousands * 6);  // 9
        rings(thousands);  // 10
        plugins(40);
        threads(32, 60);
        System.gc();
        for (int i = 0; i < thousands * 15; i++) {  // 45: garbage with structure
            Address garbage = new Address();
            garbage.street = new String(new char[] {'a', (char) ('a' + i % 26)});
        }
        Files.deleteIfExists(out);
        ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class).dumpHeap(out.toString(), false);
        System.out.printf("%s: %d bytes%n", out, Files.size(out));
        STOP.countDown();
    }
}
