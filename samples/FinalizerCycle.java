// The fault: parents and children in a cycle, with a finalizer each. They were dropped, but the one finalizer thread is
// stuck in somebody else's finalize(), so that their memory stays: reachable for finalization only.
import java.io.IOException;
import java.util.concurrent.CountDownLatch;

public final class FinalizerCycle {
    static final class Parent {
        final Child child = new Child(this);

        @Override
        @SuppressWarnings({"deprecation", "removal"})
        protected void finalize() {
            CLOSED[0]++;
        }
    }

    static final class Child {
        final Parent parent;
        final byte[] buffer = new byte[BUFFER];

        Child(Parent parent) {
            this.parent = parent;
        }

        @Override
        @SuppressWarnings({"deprecation", "removal"})
        protected void finalize() {
            CLOSED[0]++;
        }
    }

    /** Blocks the finalizer thread: a finalizer that waits for a lock nobody releases. */
    static final class Stuck {
        @Override
        @SuppressWarnings({"deprecation", "removal"})
        protected void finalize() throws InterruptedException {
            BLOCKED.countDown();
            NEVER.await();
        }
    }

    static final int BUFFER = 1000;
    static final int[] CLOSED = new int[1];
    static final CountDownLatch BLOCKED = new CountDownLatch(1);
    static final CountDownLatch NEVER = new CountDownLatch(1);

    static void drop(int pairs) {
        for (int i = 0; i < pairs; i++) new Parent();
    }

    static void block() {
        new Stuck();
    }

    public static void main(String[] arguments) throws IOException, InterruptedException {
        int pairs = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 1000;
        block();
        while (BLOCKED.getCount() > 0) {
            System.gc();
            Thread.sleep(10);
        }
        drop(pairs);
        System.gc();
        new Truth(FinalizerCycle.class)
                .count(Parent.class, pairs, "final")
                .count(Child.class, pairs, "final")
                .count(Stuck.class, 1, "strong")
                .suspect("finalizer_cycle", "", (long) pairs * BUFFER)
                .ready();
        System.exit(0);
    }
}
