// The fault: a HashMap used as a cache. Every request has a key of its own, nothing is ever evicted.
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;

public final class UnboundedCache {
    static final class Answer {
        final byte[] body = new byte[BODY];
    }

    static final int BODY = 1000;
    static final Map<String, Answer> CACHE = new HashMap<>();

    static Answer answer(String request) {
        return CACHE.computeIfAbsent(request, key -> new Answer());  // and who removes it?
    }

    static void serve(int requests) {
        for (int i = 0; i < requests; i++) answer("request " + i);
    }

    public static void main(String[] arguments) throws IOException {
        int requests = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 1500;
        serve(requests);
        new Truth(UnboundedCache.class)
                .count(Answer.class, requests, "strong")
                .suspect("unbounded_map", "CACHE", (long) requests * BODY)
                .ready();
    }
}
