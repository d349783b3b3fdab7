// What is true of a sample's heap: printed by the sample as one line of JSON, then the sample waits to be dumped.
import java.io.IOException;
import java.util.Locale;

final class Truth {
    private final StringBuilder classes = new StringBuilder();
    private final String sample;
    private String suspect = "null";

    Truth(Class<?> sample) {
        this.sample = sample.getName();
    }

    /** The dump has exactly `count` instances of the class, all of that reachability (as in view `objects`). */
    Truth count(Class<?> type, int count, String reachability) {
        if (classes.length() > 0) classes.append(", ");
        classes.append(
                String.format(
                        Locale.ROOT,
                        "{\"class\": \"%s\", \"count\": %d, \"reachability\": \"%s\"}",
                        type.getName(), count, reachability));
        return this;
    }

    /**
     * The first suspect has this cause (null: none by name), its keep-alive path goes through the reference `through`,
     * and it retains at least the bytes of the primitive arrays that the fault keeps.
     */
    Truth suspect(String cause, String through, long bytes) {
        suspect =
                String.format(
                        Locale.ROOT,
                        "{\"cause\": %s, \"through\": \"%s\", \"retained_at_least\": %d}",
                        cause == null ? "null" : '"' + cause + '"', through, bytes);
        return this;
    }

    /** Prints the truth and waits until standard input ends: now is the time to dump. */
    void ready() throws IOException {
        System.out.printf("{\"sample\": \"%s\", \"classes\": [%s], \"suspect\": %s}%n", sample, classes, suspect);
        System.out.flush();
        while (System.in.read() >= 0) continue;
    }
}
