package dev.uncurl.corpus.task;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.JarURLConnection;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The tasks of the folder conf/task, in a jar or a folder of the class path. The file of {@code superglue/boolq} is
 * {@code boolq.conf}: the last part of the name.
 */
final class TaskFolder {
    private static final String FOLDER = "conf/task/";
    private static final String ENDING = TaskDefinition.ENDING;

    /** A file that is always there; by it the folder is found. */
    private static final String ANCHOR = FOLDER + "boolq" + ENDING;

    private TaskFolder() {}

    /** The names of all tasks, sorted. */
    static List<String> names() {
        return files(TaskFolder.class.getClassLoader()).stream()
                .map(file -> TaskFile.parse(text(file), file).name())
                .sorted()
                .toList();
    }

    /** Finds a task by its name. */
    static Optional<TaskDefinition> find(String name) {
        String file = FOLDER + name.substring(name.lastIndexOf('/') + 1) + ENDING;
        return TaskFolder.class.getClassLoader().getResource(file) == null
                ? Optional.empty()
                : Optional.of(TaskFile.parse(text(file), file))
                        .filter(task -> task.name().equals(name));
    }

    private static String text(String file) {
        try (InputStream in = TaskFolder.class.getClassLoader().getResourceAsStream(file)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + file, e);
        }
    }

    /** The resources of the folder that are tasks. */
    static List<String> files(ClassLoader loader) {
        URL anchor = loader.getResource(ANCHOR);
        try {
            return anchor.openConnection() instanceof JarURLConnection jar ? inJar(jar) : inFolder(anchor);
        } catch (IOException e) {
            throw new UncheckedIOException("listing " + FOLDER + " beside " + anchor, e);
        }
    }

    private static List<String> inJar(JarURLConnection connection) throws IOException {
        connection.setUseCaches(false); // so that closing it leaves the class loader's open
        try (var jar = connection.getJarFile()) {
            return jar.stream()
                    .map(entry -> entry.getName())
                    .filter(entry -> entry.startsWith(FOLDER) && entry.endsWith(ENDING))
                    .toList();
        }
    }

    private static List<String> inFolder(URL anchor) throws IOException {
        try (var files = Files.list(Path.of(anchor.toURI()).getParent())) {
            return files.map(file -> FOLDER + file.getFileName())
                    .filter(file -> file.endsWith(ENDING))
                    .toList();
        } catch (URISyntaxException e) {
            throw new IOException(e);
        }
    }
}
