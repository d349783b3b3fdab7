// The fault: every fourth session stays in a map when it is over. For JDK Flight Recorder: what leaks is opened in
// openSession, what dies young in answer.
import java.util.HashMap;
import java.util.Map;

public final class SessionLeak {
    static final class Session {
        final byte[] buffer;

        Session(int id) {
            buffer = new byte[10_000 + id % 7];
        }
    }

    static final Map<Integer, Session> SESSIONS = new HashMap<>();
    static long check = 0;

    static Session openSession(int id) {
        return new Session(id);
    }

    static void answer(int id) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 40; i++) text.append(id + i).append(',');
        check += text.toString().hashCode();
    }

    public static void main(String[] arguments) {
        for (int id = 0; id < 30_000; id++) {
            Session session = openSession(id);
            answer(id);
            if (id % 4 == 0) SESSIONS.put(id, session);  // and who removes it?
        }
        System.gc();
        System.out.println("{\"sessions\": " + SESSIONS.size() + ", \"check\": " + check + "}");
    }
}
