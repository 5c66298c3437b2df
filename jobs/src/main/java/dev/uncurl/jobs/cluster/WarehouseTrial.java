package dev.uncurl.jobs.cluster;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Whether driver and executors share a folder: the driver writes a file that each executor reads, and each executor one that
 * the driver reads.
 */
final class WarehouseTrial implements AutoCloseable {
    private static final String QUESTION = "driver";

    private final FileSystem files;
    private final Path folder;
    private final String token = UUID.randomUUID().toString();

    /** @param folder does not exist; is removed by {@link #close} */
    WarehouseTrial(FileSystem files, Path folder) throws IOException {
        this.files = files;
        this.folder = folder;
        write(files, new Path(folder, QUESTION), token);
    }

    String token() {
        return token;
    }

    String folder() {
        return folder.toString();
    }

    /** In a task: reads what the driver wrote and answers; returns why it cannot, or an empty text. */
    static String answer(Path folder, String token, String executor, Configuration hadoop) {
        Path question = new Path(folder, QUESTION);
        try {
            FileSystem files = folder.getFileSystem(hadoop);
            if (!read(files, question).equals(token)) {
                return "what it reads in " + question + " is not what the driver wrote";
            }
            write(files, new Path(folder, executor), token + executor);
            return "";
        } catch (IOException | RuntimeException e) { // told to the user, whatever it is
            return e.toString().lines().findFirst().orElse("") + " (" + question + ")";
        }
    }

    /** On the driver: why it does not see what the executor wrote; empty if it does. */
    String seen(String executor) {
        Path answer = new Path(folder, executor);
        try {
            return read(files, answer).equals(token + executor) ? "" : "what it wrote into " + answer + " is not there";
        } catch (IOException e) {
            return "the driver cannot read what it wrote: " + e.getMessage();
        }
    }

    private static void write(FileSystem files, Path file, String text) throws IOException {
        try (var out = files.create(file, true)) {
            out.write(text.getBytes(StandardCharsets.UTF_8));
        }
    }

    private static String read(FileSystem files, Path file) throws IOException {
        try (FSDataInputStream in = files.open(file)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Override
    public void close() throws IOException {
        files.delete(folder, true);
    }
}
