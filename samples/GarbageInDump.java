// The fault: none that lives. Most of the dump is garbage that no collection has taken yet: it must be counted as
// unreachable and must not become a suspect. Dumped with -all, without a collection.
import java.io.IOException;

public final class GarbageInDump {
    static final class Temporary {
        final byte[] buffer = new byte[BUFFER];
        Temporary other;
    }

    static final class Kept {
        final byte[] buffer = new byte[BUFFER];
    }

    static final int BUFFER = 1000;
    static final Kept[] KEPT = new Kept[100];

    /** Pairs that reference each other: garbage with cycles in it. */
    static void work(int pairs) {
        for (int i = 0; i < pairs; i++) {
            Temporary first = new Temporary();
            first.other = new Temporary();
            first.other.other = first;
        }
    }

    public static void main(String[] arguments) throws IOException {
        int pairs = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 1000;
        for (int i = 0; i < KEPT.length; i++) KEPT[i] = new Kept();
        System.gc();
        work(pairs);
        new Truth(GarbageInDump.class)
                .count(Kept.class, KEPT.length, "strong")
                .count(Temporary.class, 2 * pairs, "unreachable")
                .ready();
    }
}
