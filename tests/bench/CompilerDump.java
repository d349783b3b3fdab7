// A dump of a real program in the middle of its work: javac after it has attributed a number of source files of the
// JDK itself (or of any source archive), with every tree, symbol and type it holds by then.
//
//   java -Xmx2g CompilerDump.java SRC_ZIP MODULE PATH_PREFIX FILES OUT.hprof
//   java -Xmx2g CompilerDump.java $JAVA_HOME/lib/src.zip java.desktop javax/swing 600 javac.hprof
//
// What a human would name: the compiler's context and its queue of attributed classes, kept by the main thread.
import com.sun.management.HotSpotDiagnosticMXBean;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TaskEvent;
import com.sun.source.util.TaskListener;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

public final class CompilerDump {
    /** Unpacks up to `limit` sources of the module below `directory`, first names first. */
    static List<Path> unpack(Path archive, String module, String prefix, int limit, Path directory) throws IOException {
        String start = module + "/" + prefix;
        List<Path> sources = new ArrayList<>();
        try (ZipFile zip = new ZipFile(archive.toFile())) {
            List<ZipEntry> entries = new ArrayList<>();
            zip.stream()
                    .filter(e -> e.getName().startsWith(start) && e.getName().endsWith(".java"))
                    .filter(e -> !e.getName().endsWith("-info.java"))
                    .forEach(entries::add);
            entries.sort(Comparator.comparing(ZipEntry::getName));
            for (ZipEntry entry : entries.subList(0, Math.min(limit, entries.size()))) {
                Path source = directory.resolve(entry.getName().substring(module.length() + 1)).normalize();
                if (!source.startsWith(directory)) throw new IOException("entry outside its archive: " + entry.getName());
                Files.createDirectories(source.getParent());
                Files.write(source, zip.getInputStream(entry).readAllBytes());
                sources.add(source);
            }
        }
        return sources;
    }

    static void dump(Path out) {
        try {
            Files.deleteIfExists(out);
            ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class).dumpHeap(out.toString(), false);
            System.out.printf("%s: %d bytes%n", out, Files.size(out));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static void main(String[] arguments) throws IOException {
        Path directory = Files.createTempDirectory("heapql-sources");
        String module = arguments[1];
        List<Path> sources =
                unpack(Path.of(arguments[0]), module, arguments[2], Integer.parseInt(arguments[3]), directory);
        Path out = Path.of(arguments[4]);
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null);
        List<String> options = List.of("-proc:none", "-nowarn", "--patch-module", module + "=" + directory);
        JavacTask task =
                (JavacTask)
                        compiler.getTask(
                                null, files, System.err::println, options, null, files.getJavaFileObjectsFromPaths(sources));
        int[] analyzed = {0};
        task.addTaskListener(
                new TaskListener() {
                    @Override
                    public void finished(TaskEvent event) {
                        if (event.getKind() == TaskEvent.Kind.ANALYZE && ++analyzed[0] == sources.size() * 4 / 5) dump(out);
                    }
                });
        task.analyze();
        System.out.printf("%d sources, %d classes attributed%n", sources.size(), analyzed[0]);
        try (Stream<Path> all = Files.walk(directory)) {
            all.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
        }
    }
}
