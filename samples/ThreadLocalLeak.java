// The fault: a request stores its context in a ThreadLocal and forgets remove(). The thread is pooled and lives on, and
// so does the context of its last request.
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

public final class ThreadLocalLeak {
    static final class RequestContext {
        final List<byte[]> uploads = new ArrayList<>();
    }

    static final int UPLOAD = 10_000;
    static final int UPLOADS = 300;
    static final ThreadLocal<RequestContext> CONTEXT = new ThreadLocal<>();

    static void handleRequest(CountDownLatch done) {
        RequestContext context = new RequestContext();
        for (int i = 0; i < UPLOADS; i++) context.uploads.add(new byte[UPLOAD]);
        CONTEXT.set(context);  // and where is CONTEXT.remove()?
        done.countDown();
    }

    public static void main(String[] arguments) throws Exception {
        CountDownLatch done = new CountDownLatch(1);
        ExecutorService pool = Executors.newFixedThreadPool(1);
        pool.submit(() -> handleRequest(done));
        done.await();
        Thread.sleep(100);  // until the worker waits for its next task
        new Truth(ThreadLocalLeak.class)
                .count(RequestContext.class, 1, "strong")
                .suspect("thread_local", "threadLocals", (long) UPLOADS * UPLOAD)
                .ready();
        pool.shutdown();
    }
}
