package dev.uncurl.jobs.warehouse;

import dev.uncurl.error.UserError;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Excludes other runs from an output until it is closed. On a local file system it is a lock on a file, which the
 * operating system releases when the process dies. On others there is no lock: there Iceberg's commits, and the one rename
 * that publishes a model folder, let exactly one of two runs win.
 */
public final class OutputLock implements AutoCloseable {
    /** Excludes nobody. */
    static final OutputLock NONE = new OutputLock(null);

    private final FileChannel channel;

    private OutputLock(FileChannel channel) {
        this.channel = channel;
    }

    /**
     * Locks an output of the warehouse in a local folder.
     *
     * @throws UserError (conflict) when another run has locked it
     */
    static OutputLock take(Path warehouse, String... output) {
        Path file = warehouse.resolve("locks").resolve(PathName.of(output));
        try {
            Files.createDirectories(file.getParent());
            FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            if (tryLock(channel) == null) {
                channel.close();
                throw UserError.conflict(
                        "Another run is writing " + String.join(" ", output) + " (lock " + file + ")",
                        "Wait for it, or name another output or --warehouse.");
            }
            return new OutputLock(channel);
        } catch (IOException e) {
            throw new UncheckedIOException("locking " + file, e);
        }
    }

    private static FileLock tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            return null; // locked by another thread of this process
        }
    }

    @Override
    public void close() {
        try {
            if (channel != null) {
                channel.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException("releasing the lock of an output", e);
        }
    }
}
