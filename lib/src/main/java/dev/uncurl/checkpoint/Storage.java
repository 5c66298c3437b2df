package dev.uncurl.checkpoint;

import dev.uncurl.error.UserError;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.DigestInputStream;
import java.security.DigestOutputStream;
import org.apache.commons.codec.binary.Hex;
import org.apache.commons.codec.digest.DigestUtils;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.StreamCapabilities;

/**
 * File operations: files that are hashed while they are written and synced to disk on close, and the operations on single files
 * that are atomic: to create one that does not exist, and to rename one. No operation here renames a folder.
 */
final class Storage {
    private static final int CHUNK = 1 << 20;
    /** Small, because large writes would be copied through a large buffer. */
    private static final int BUFFER = 1 << 13;

    private Storage() {}

    /**
     * The file system to write with. Hadoop's local file system would write a hidden .crc file for each file; the manifest
     * has stronger checksums, so the raw local file system is used. The shared instance is not changed.
     */
    static FileSystem plain(FileSystem fs) {
        return fs instanceof LocalFileSystem local ? local.getRawFileSystem() : fs;
    }

    /** The qualified path of a folder, without a final slash: for a path that ends in a slash, getName() is empty. */
    static Path folder(FileSystem fs, Path dir) {
        return new Path(fs.makeQualified(dir).toString());
    }

    /**
     * A file that is being written: hashes its bytes, and syncs them to disk on close if the file system supports it. On an
     * object store, where closing makes the file visible, a file that is closed before {@link #whole} is given up instead.
     */
    static final class Output extends DigestOutputStream {
        private final FSDataOutputStream file;
        private long bytes;
        private boolean whole;
        private boolean closed;

        private Output(FSDataOutputStream file) {
            super(file, DigestUtils.getSha256Digest());
            this.file = file;
        }

        @Override
        public void write(int value) throws IOException {
            write(new byte[] {(byte) value}, 0, 1);
        }

        @Override
        public void write(byte[] source, int offset, int length) throws IOException {
            super.write(source, offset, length);
            bytes += length;
        }

        @Override
        public void close() throws IOException {
            if (closed) {
                return;
            }
            closed = true;
            if (!whole && file.hasCapability(StreamCapabilities.ABORTABLE_STREAM)) {
                file.abort();
                return;
            }
            try (file) {
                if (file.hasCapability(StreamCapabilities.HSYNC)) {
                    file.hsync();
                }
            }
        }

        /** States that all bytes have been written. */
        void whole() {
            whole = true;
        }

        /** Number of bytes written so far. */
        long bytes() {
            return bytes;
        }

        /** SHA-256 of all bytes in hexadecimal. Call it once, after {@link #close}. */
        String sha256() {
            return Hex.encodeHexString(getMessageDigest().digest());
        }
    }

    /** Creates a file; fails if it exists. */
    static Output create(FileSystem fs, Path file) throws IOException {
        return new Output(fs.create(file, false, BUFFER));
    }

    /** Creates a file of an object store, or replaces it when the new one is closed. */
    static Output replace(FileSystem fs, Path file) throws IOException {
        return new Output(fs.create(file, true, BUFFER));
    }

    static Manifest.Entry write(FileSystem fs, Path file, byte[] content) throws IOException {
        Output out = create(fs, file);
        try (out) {
            out.write(content, 0, content.length);
            out.whole();
        }
        return new Manifest.Entry(out.bytes(), out.sha256());
    }

    static byte[] read(FileSystem fs, Path file) throws IOException {
        try (InputStream in = fs.open(file)) {
            return in.readAllBytes();
        }
    }

    static Manifest.Entry hash(FileSystem fs, Path file) throws IOException {
        byte[] chunk = new byte[CHUNK];
        long bytes = 0;
        try (var in = new DigestInputStream(fs.open(file), DigestUtils.getSha256Digest())) {
            for (int count = in.read(chunk); count >= 0; count = in.read(chunk)) {
                bytes += count;
            }
            return new Manifest.Entry(
                    bytes, Hex.encodeHexString(in.getMessageDigest().digest()));
        }
    }

    /**
     * Creates a file, with its content, if there is none of its name: of several processes that try it, one succeeds. On an object
     * store two may succeed, since Hadoop's connectors look for the file before they write it.
     *
     * @return false if the file exists
     */
    static boolean createNew(FileSystem fs, Path file, byte[] content) throws IOException {
        if (fs instanceof RawLocalFileSystem local) {
            // Hadoop's local file system looks for the file before it writes it
            java.nio.file.Path target = local.pathToFile(file).toPath();
            while (true) {
                Files.createDirectories(target.getParent());
                try {
                    Files.write(target, content, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
                    return true;
                } catch (NoSuchFileException e) {
                    // another process has deleted the folder meanwhile
                } catch (FileAlreadyExistsException e) {
                    return false;
                }
            }
        }
        try {
            write(fs, file, content);
            return true;
        } catch (IOException e) { // HDFS has several exceptions for a file that another client has, or is writing
            if (fs.exists(file)) {
                return false;
            }
            throw e;
        }
    }

    /**
     * Moves a file to an unused name in an existing folder, in one step. Not for object stores.
     *
     * @return false if the name is in use now; then {@code from} still exists
     */
    static boolean rename(FileSystem fs, Path from, Path to) throws IOException {
        if (fs instanceof RawLocalFileSystem local) {
            // Hadoop's local rename may copy, which is not atomic
            var source = local.pathToFile(from).toPath();
            var target = local.pathToFile(to).toPath();
            if (Files.exists(target)) {
                return false;
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
        boolean renamed = fs.rename(from, to);
        if (!renamed && !fs.exists(to)) {
            throw new IOException("The file system did not rename " + from + " to " + to);
        }
        return renamed;
    }

    private static void sync(java.nio.file.Path folder) {
        try (var channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        } catch (IOException e) {
            // some platforms cannot sync a folder; the contents of the files are on disk already
        }
    }

    /** @throws UserError (input) if the file system has less than {@code bytes} of free space */
    static void checkRoom(FileSystem fs, Path folder, long bytes) throws IOException {
        Path existing = folder;
        while (existing.getParent() != null && !fs.exists(existing)) {
            existing = existing.getParent();
        }
        long free = fs.getStatus(existing).getRemaining();
        if (free < bytes) {
            throw UserError.input(
                    folder + " needs " + bytes + " bytes, but the file system has " + free + " bytes of free space",
                    "Free some space, or write to another file system.");
        }
    }
}
