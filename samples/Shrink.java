// Makes the small dumps that are checked in, from a full one: keeps the sample and what it needs, drops the rest of the
// virtual machine's own heap. Kept are
//   - every class that is not the boot loader's, its instances (garbage too), and all they reach,
//   - the threads with their locals, and all they reach,
//   - the finalizer's chain (static fields of java.lang.ref.Finalizer and ReferenceQueue),
//   - of the boot loader's classes those that something kept is an instance of, or refers to; their other static
//     fields are set to null,
//   - the roots of what is kept, and the names that are still used (HotSpot writes every symbol it knows).
// Nothing else is changed: ids, fields, values, stacks and order are those of the full dump.
//
//   java Shrink.java IN.hprof OUT.hprof
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

public final class Shrink {
    private static final int[] TYPE_SIZE = {0, 0, 8, 0, 1, 2, 4, 8, 1, 2, 4, 8};
    private static final Set<String> FOLLOWED = Set.of("java/lang/ref/Finalizer", "java/lang/ref/ReferenceQueue");

    /** One heap sub-record: an object, a class or a root. */
    private static final class Item {
        final int tag, start, end;
        final long id;
        long classId, superId, loaderId;
        final List<Long> references = new ArrayList<>();        // array slots; of a class: statics
        final List<Integer> staticOffsets = new ArrayList<>();  // where those statics are in the file
        final List<Integer> fieldTypes = new ArrayList<>();
        final List<Long> names = new ArrayList<>();
        int fields;  // where an instance's fields begin

        Item(int tag, int start, int end, long id) {
            this.tag = tag;
            this.start = start;
            this.end = end;
            this.id = id;
        }
    }

    private final ByteBuffer in;
    private final int header;
    private final Map<Long, Item> objects = new HashMap<>();
    private final List<Item> items = new ArrayList<>();
    private final Map<Long, String> names = new HashMap<>();
    private final Map<Long, String> classNames = new HashMap<>();
    private final Set<Long> usedNames = new HashSet<>();
    private final Set<Long> kept = new HashSet<>();
    private final ArrayDeque<Long> work = new ArrayDeque<>();

    Shrink(byte[] dump) {
        in = ByteBuffer.wrap(dump);
        while (in.get() != 0) continue;
        if (in.getInt() != 8) throw new IllegalArgumentException("only dumps of 64-bit virtual machines");
        in.getLong();
        header = in.position();
    }

    private void skip(long bytes) {
        in.position(Math.toIntExact(in.position() + bytes));
    }

    private Item readClass(int start) {
        long id = in.getLong();
        in.getInt();
        long superId = in.getLong();
        long loaderId = in.getLong();
        skip(4 * 8 + 4);
        List<Long> statics = new ArrayList<>(), used = new ArrayList<>();
        List<Integer> offsets = new ArrayList<>(), types = new ArrayList<>();
        for (int i = in.getShort() & 0xFFFF; i > 0; i--) {
            skip(2);
            skip(TYPE_SIZE[in.get()]);
        }
        for (int i = in.getShort() & 0xFFFF; i > 0; i--) {
            used.add(in.getLong());
            int type = in.get();
            if (type == 2) {
                offsets.add(in.position());
                statics.add(in.getLong());
            } else {
                skip(TYPE_SIZE[type]);
            }
        }
        for (int i = in.getShort() & 0xFFFF; i > 0; i--) {
            used.add(in.getLong());
            types.add((int) in.get());
        }
        Item item = new Item(0x20, start, in.position(), id);
        item.superId = superId;
        item.loaderId = loaderId;
        item.references.addAll(statics);
        item.staticOffsets.addAll(offsets);
        item.fieldTypes.addAll(types);
        item.names.addAll(used);
        return item;
    }

    private Item readItem() {
        int start = in.position();
        int tag = in.get() & 0xFF;
        if (tag == 0x20) return readClass(start);
        long id = in.getLong();
        long classId = 0;
        int fields = 0;
        List<Long> references = new ArrayList<>();
        switch (tag) {
            case 0x21:
                in.getInt();
                classId = in.getLong();
                int size = in.getInt();
                fields = in.position();
                skip(size);
                break;
            case 0x22:
                in.getInt();
                int slots = in.getInt();
                classId = in.getLong();
                for (int i = 0; i < slots; i++) references.add(in.getLong());
                break;
            case 0x23:
                in.getInt();
                long length = in.getInt();
                skip(length * TYPE_SIZE[in.get()]);
                break;
            case 0xFF: case 0x05: case 0x07: break;
            case 0x01: case 0x02: case 0x03: case 0x08: skip(8); break;
            case 0x04: case 0x06: skip(4); break;
            default: throw new IllegalStateException("sub-record " + tag + " at " + start);
        }
        Item item = new Item(tag, start, in.position(), id);
        item.classId = classId;
        item.fields = fields;
        item.references.addAll(references);
        return item;
    }

    private static boolean isObject(Item item) {
        return item.tag >= 0x20 && item.tag <= 0x23;
    }

    /** Calls back with tag, start and end of each top-level record. */
    private interface Records {
        void record(int tag, int start, int end) throws IOException;
    }

    private void records(Records records) throws IOException {
        in.position(header);
        while (in.hasRemaining()) {
            int start = in.position();
            int tag = in.get();
            in.getInt();
            int end = in.getInt() + in.position();
            records.record(tag, start, end);
            in.position(end);
        }
    }

    private void read() throws IOException {
        records((tag, start, end) -> {
            if (tag == 0x01) {
                long id = in.getLong();
                names.put(id, new String(in.array(), in.position(), end - in.position(), StandardCharsets.UTF_8));
            } else if (tag == 0x02) {
                in.getInt();
                long id = in.getLong();
                in.getInt();
                classNames.put(id, names.get(in.getLong()));
            } else if (tag == 0x0C || tag == 0x1C) {
                while (in.position() < end) {
                    Item item = readItem();
                    items.add(item);
                    if (isObject(item)) objects.put(item.id, item);
                }
            }
        });
    }

    private void keep(long id) {
        if (id != 0 && objects.containsKey(id) && kept.add(id)) work.add(id);
    }

    private boolean isOurs(Item type) {
        return type != null && type.loaderId != 0;
    }

    private void keepInstanceFields(Item instance) {
        int offset = instance.fields;
        for (Item type = objects.get(instance.classId); type != null; type = objects.get(type.superId)) {
            for (int fieldType : type.fieldTypes) {
                if (fieldType == 2) keep(in.getLong(offset));
                offset += TYPE_SIZE[fieldType];
            }
        }
    }

    private boolean statics(Item type) {
        return isOurs(type) || FOLLOWED.contains(classNames.get(type.id));
    }

    private void mark() {
        for (Item item : items) {
            boolean ours = item.tag == 0x20 ? statics(item) : isObject(item) && isOurs(objects.get(item.classId));
            boolean thread = item.tag == 0x08 || item.tag == 0x02 || item.tag == 0x03;
            if (ours || thread) keep(item.id);
            String name = classNames.getOrDefault(item.id, "");
            if (item.tag == 0x20 && (name.matches("\\[[ZBCSIJFD]") || name.matches("java/lang/(Class|Object|ClassLoader)"))) {
                keep(item.id);  // primitive arrays do not name their class
            }
        }
        while (!work.isEmpty()) {
            Item item = objects.get(work.poll());
            keep(item.classId);
            keep(item.superId);
            keep(item.loaderId);
            if (item.tag == 0x21) keepInstanceFields(item);
            if (item.tag == 0x22 || item.tag == 0x20 && statics(item)) item.references.forEach(this::keep);
        }
    }

    private byte[] heap(int from, int end) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (Item item : items) {
            if (item.start < from || item.start >= end || !kept.contains(item.id)) continue;
            byte[] bytes = java.util.Arrays.copyOfRange(in.array(), item.start, item.end);
            if (item.tag == 0x20) {
                usedNames.addAll(item.names);
                for (int i = 0; i < item.staticOffsets.size(); i++) {
                    if (kept.contains(item.references.get(i))) continue;
                    ByteBuffer.wrap(bytes).putLong(item.staticOffsets.get(i) - item.start, 0);
                }
            }
            out.write(bytes);
        }
        return out.toByteArray();
    }

    private byte[] shrink() throws IOException {
        read();
        mark();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Map<Integer, byte[]> heaps = new HashMap<>();
        records((tag, start, end) -> {
            if (tag == 0x02) {
                in.getInt();
                if (!kept.contains(in.getLong())) return;
                in.getInt();
                usedNames.add(in.getLong());
            } else if (tag == 0x04) {
                in.getLong();
                for (int i = 0; i < 3; i++) usedNames.add(in.getLong());
            } else if (tag == 0x0C || tag == 0x1C) {
                heaps.put(start, heap(in.position(), end));
            }
        });
        out.write(in.array(), 0, header);
        records((tag, start, end) -> {
            if (tag == 0x01 && !usedNames.contains(in.getLong())) return;
            if (tag == 0x02) {
                in.getInt();
                if (!kept.contains(in.getLong())) return;
            }
            byte[] heap = heaps.get(start);
            if (heap == null) {
                out.write(in.array(), start, end - start);
                return;
            }
            if (heap.length == 0) return;  // a segment of length 0 means that its writer died
            out.write(in.array(), start, 5);
            out.write(ByteBuffer.allocate(4).putInt(heap.length).array());
            out.write(heap);
        });
        return out.toByteArray();
    }

    public static void main(String[] arguments) throws IOException {
        Shrink shrink = new Shrink(Files.readAllBytes(Path.of(arguments[0])));
        Files.write(Path.of(arguments[1]), shrink.shrink());
    }
}
