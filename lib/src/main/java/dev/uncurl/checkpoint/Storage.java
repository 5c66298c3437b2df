package dev.uncurl.checkpoint;

import dev.uncurl.error.UserError;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.StreamCapabilities;

/** How bytes get onto a file system: hashed while they are written, synced to disk, made visible by one rename. */
final class Storage {
    private static final int CHUNK = 1 << 20;
    /** Small, so that what is written in larger parts is not copied once more. */
    private static final int BUFFER = 1 << 13;

    private Storage() {}

    /**
     * The file system to write through. Hadoop's local one would leave a hidden .crc file beside each file; the manifest
     * holds better sums, so its raw form is used. The instance that others share is not touched.
     */
    static FileSystem plain(FileSystem fs) {
        return fs instanceof LocalFileSystem local ? local.getRawFileSystem() : fs;
    }

    /** The folder's full path. A path made of a URI may end in a slash, which would hide its name. */
    static Path folder(FileSystem fs, Path dir) {
        return new Path(fs.makeQualified(dir).toString());
    }

    /** A file being written: sums its bytes, and syncs them to disk on close where the file system can. */
    static final class Output extends FilterOutputStream {
        private final MessageDigest digest = newSha256();
        private final FSDataOutputStream file;
        private long bytes;
        private boolean closed;

        private Output(FSDataOutputStream file) {
            super(file);
            this.file = file;
        }

        @Override
        public void write(int value) throws IOException {
            write(new byte[] {(byte) value}, 0, 1);
        }

        @Override
        public void write(byte[] source, int offset, int length) throws IOException {
            out.write(source, offset, length);
            digest.update(source, offset, length);
            bytes += length;
        }

        @Override
        public void close() throws IOException {
            if (closed) {
                return;
            }
            closed = true;
            try (file) {
                if (file.hasCapability(StreamCapabilities.HSYNC)) {
                    file.hsync();
                }
            }
        }

        /** Size of what was written so far. */
        long bytes() {
            return bytes;
        }

        /** SHA-256 of what was written; once, after {@link #close}. */
        String sha256() {
            return HexFormat.of().formatHex(digest.digest());
        }
    }

    /** Creates a file; never overwrites. */
    static Output create(FileSystem fs, Path file) throws IOException {
        return new Output(fs.create(file, false, BUFFER));
    }

    static Manifest.Entry write(FileSystem fs, Path file, byte[] content) throws IOException {
        Output out = create(fs, file);
        try (out) {
            out.write(content, 0, content.length);
        }
        return new Manifest.Entry(out.bytes(), out.sha256());
    }

    static byte[] read(FileSystem fs, Path file) throws IOException {
        try (InputStream in = fs.open(file)) {
            return in.readAllBytes();
        }
    }

    static Manifest.Entry hash(FileSystem fs, Path file) throws IOException {
        MessageDigest digest = newSha256();
        byte[] chunk = new byte[CHUNK];
        long bytes = 0;
        try (InputStream in = fs.open(file)) {
            for (int count = in.read(chunk); count >= 0; count = in.read(chunk)) {
                digest.update(chunk, 0, count);
                bytes += count;
            }
        }
        return new Manifest.Entry(bytes, HexFormat.of().formatHex(digest.digest()));
    }

    static String sha256(byte[] content) {
        return HexFormat.of().formatHex(newSha256().digest(content));
    }

    private static MessageDigest newSha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java has SHA-256", e);
        }
    }

    /**
     * Moves a folder or file to a name that is free, in one step.
     *
     * @return false when the name was taken meanwhile; {@code from} is still there
     */
    static boolean rename(FileSystem fs, Path from, Path to) throws IOException {
        if (fs instanceof RawLocalFileSystem local) {
            // Hadoop's local rename falls back to copying, which is not one step
            var source = local.pathToFile(from).toPath();
            var target = local.pathToFile(to).toPath();
            if (Files.exists(target)) {
                return false;
            }
            if (Files.isDirectory(source)) {
                sync(source); // its files are on disk, now their names
            }
            try {
                Files.move(source, target, StandardCopyOption.ATOMIC_MOVE);
            } catch (FileSystemException e) {
                if (Files.exists(target)) {
                    return false;
                }
                throw e;
            }
            sync(target.getParent());
            return true;
        }
        if (fs.exists(to)) {
            return false;
        }
        boolean renamed = fs.rename(from, to);
        // a folder that appeared in between swallows the renamed one as its child
        Path swallowed = new Path(to, from.getName());
        if (renamed && fs.exists(swallowed)) {
            fs.rename(swallowed, from);
            return false;
        }
        if (!renamed && !fs.exists(to)) {
            throw new IOException("The file system refused to rename " + from + " to " + to);
        }
        return renamed;
    }

    private static void sync(java.nio.file.Path folder) {
        try (var channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        } catch (IOException e) {
            // some platforms cannot sync a folder; the files themselves are safe
        }
    }

    /** @throws UserError (input) when the file system has less room left than {@code bytes} */
    static void checkRoom(FileSystem fs, Path folder, long bytes) throws IOException {
        Path existing = folder;
        while (existing.getParent() != null && !fs.exists(existing)) {
            existing = existing.getParent();
        }
        long left = fs.getStatus(existing).getRemaining();
        if (left < bytes) {
            throw UserError.input(
                    folder + " needs " + bytes + " bytes, the file system has " + left + " left",
                    "Free some room or write elsewhere.");
        }
    }
}
