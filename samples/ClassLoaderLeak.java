// The fault: a plugin was unloaded, but one object of it is still registered with the application. That object keeps
// its class, the class its loader, and the loader everything the plugin ever had in its static fields.
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;

public final class ClassLoaderLeak {
    /** Loaded once by the application and never used there; once by the plugin's own loader. */
    public static final class Plugin implements Runnable {
        static final byte[][] TEMPLATES = new byte[PAGES][];

        static {
            for (int i = 0; i < PAGES; i++) TEMPLATES[i] = new byte[PAGE];
        }

        @Override
        public void run() {}
    }

    static final class PluginLoader extends ClassLoader {
        PluginLoader() {
            super(ClassLoaderLeak.class.getClassLoader());
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            if (!name.equals("ClassLoaderLeak$Plugin")) return super.loadClass(name, resolve);
            try (InputStream in = getParent().getResourceAsStream("ClassLoaderLeak$Plugin.class")) {
                byte[] bytes = in.readAllBytes();
                return defineClass(name, bytes, 0, bytes.length);
            } catch (IOException e) {
                throw new ClassNotFoundException(name, e);
            }
        }
    }

    static final int PAGE = 10_000;
    static final int PAGES = 300;
    static final List<Runnable> SHUTDOWN_HOOKS = new ArrayList<>();

    static void runPlugin() throws ReflectiveOperationException {
        Class<?> plugin = new PluginLoader().loadClass("ClassLoaderLeak$Plugin", true);
        SHUTDOWN_HOOKS.add((Runnable) plugin.getConstructor().newInstance());  // and never taken out again
    }

    public static void main(String[] arguments) throws Exception {
        runPlugin();
        new Truth(ClassLoaderLeak.class)
                .count(PluginLoader.class, 1, "strong")
                .suspect("class_loader", "SHUTDOWN_HOOKS", (long) PAGES * PAGE)
                .ready();
    }
}
