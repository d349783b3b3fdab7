// A dump of a real server with a real leak: an HTTP server that keeps every session it ever made, under the load of a
// client in the same process.
//
//   java -Xmx1g SessionServer.java REQUESTS OUT.hprof
//
// What a human would name: the ConcurrentHashMap in SessionServer$Sessions.byId, which grows with every request that
// brings no cookie; its entries hold a Session with a shopping cart and a rendered page each.
import com.sun.management.HotSpotDiagnosticMXBean;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

public final class SessionServer {
    static final class Session {
        final String id = UUID.randomUUID().toString();
        final Instant created = Instant.now();
        final Map<String, Object> attributes = new HashMap<>();
        byte[] lastPage;
    }

    static final class CartLine {
        final String article;
        final int count;

        CartLine(String article, int count) {
            this.article = article;
            this.count = count;
        }
    }

    /** The fault: nothing ever removes a session. */
    static final class Sessions {
        private final Map<String, Session> byId = new ConcurrentHashMap<>();

        Session find(String cookie) {
            Session session = cookie == null ? null : byId.get(cookie);
            if (session != null) return session;
            Session fresh = new Session();
            byId.put(fresh.id, fresh);
            return fresh;
        }
    }

    static final class ShopHandler implements HttpHandler {
        private final Sessions sessions = new Sessions();

        @Override
        public void handle(HttpExchange exchange) throws IOException {
            Session session = sessions.find(exchange.getRequestHeaders().getFirst("X-Session"));
            List<CartLine> cart = new ArrayList<>();
            for (int i = 0; i < 4; i++) cart.add(new CartLine("article " + exchange.getRequestURI().getQuery() + "/" + i, i));
            session.attributes.put("cart", cart);
            session.attributes.put("agent", exchange.getRequestHeaders().getFirst("User-Agent"));
            byte[] page = ("<html>" + session.id + " ".repeat(1500) + "</html>").getBytes(StandardCharsets.UTF_8);
            session.lastPage = page;
            exchange.getResponseHeaders().add("X-Session", session.id);
            exchange.sendResponseHeaders(200, page.length);
            exchange.getResponseBody().write(page);
            exchange.close();
        }
    }

    public static void main(String[] arguments) throws Exception {
        System.setProperty("sun.net.httpserver.nodelay", "true");  // else each answer waits 40 ms for an ACK
        int requests = Integer.parseInt(arguments[0]);
        Path out = Path.of(arguments[1]);
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        ExecutorService workers = Executors.newFixedThreadPool(4);
        server.setExecutor(workers);
        server.createContext("/shop", new ShopHandler());
        server.start();
        HttpClient client = HttpClient.newHttpClient();
        for (int i = 0; i < requests; i++) {
            URI uri = URI.create("http://localhost:" + server.getAddress().getPort() + "/shop?" + i);
            HttpResponse<byte[]> response =
                    client.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofByteArray());
            if (response.statusCode() != 200) throw new IOException("status " + response.statusCode());
        }
        Files.deleteIfExists(out);
        ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class).dumpHeap(out.toString(), false);
        System.out.printf("%s: %d bytes, %d sessions%n", out, Files.size(out), requests);
        server.stop(0);
        workers.shutdown();
        System.exit(0);
    }
}
