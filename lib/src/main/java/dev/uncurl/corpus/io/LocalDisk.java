package dev.uncurl.corpus.io;

import dev.uncurl.error.UserError;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Facts about files on the local disk that Java provides and Hadoop's file system does not: the targets of links, which
 * names denote the same file, and which entries Hadoop omits from the listing of a folder.
 */
final class LocalDisk {
    private LocalDisk() {}

    /**
     * Checks that a listing has all wanted entries of the folder. Hadoop silently omits broken links and names that
     * Java cannot decode, which are names with non-ASCII characters if the environment sets no encoding.
     *
     * @param listed names in the listing
     * @param wanted selects the names to check
     * @throws UserError (input) for a wanted entry that is not listed
     */
    static void requireComplete(String folder, Set<String> listed, Predicate<String> wanted) throws IOException {
        try (var entries = Files.newDirectoryStream(Path.of(folder))) {
            for (Path entry : entries) {
                String name = entry.getFileName().toString();
                if (!wanted.test(name)) {
                    continue;
                }
                if (!isDecodable(entry)) {
                    throw UserError.input(
                            "folder " + folder + " has the file '" + name + "', whose name cannot be decoded as "
                                    + encoding() + ", the encoding of file names of this process",
                            remedyForNames());
                }
                if (!listed.contains(name) && isBrokenLink(entry)) {
                    throw brokenLink(entry);
                }
            }
        }
    }

    /** The reason why nothing can be read at a path; null if the path is not local or just does not exist. */
    static UserError reasonMissing(org.apache.hadoop.fs.Path missing) {
        String scheme = missing.toUri().getScheme();
        String path = missing.toUri().getPath();
        if (scheme != null && !scheme.equals("file")) {
            return null;
        }
        try {
            Path file = Path.of(path);
            if (Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                    .isSymbolicLink()) {
                return Files.exists(file) ? null : brokenLink(file);
            }
            return Files.isReadable(file) ? null : unreadable(path);
        } catch (InvalidPathException e) {
            return path.indexOf('\0') >= 0
                    ? null
                    : UserError.input(
                            "input " + path + " cannot be opened: its name cannot be encoded as " + encoding()
                                    + ", the encoding of file names of this process",
                            remedyForNames());
        } catch (AccessDeniedException e) {
            return unreadable(path);
        } catch (IOException e) {
            return null;
        }
    }

    /** @throws UserError (input) if this user has no permission to read the file */
    static void requireReadable(String path) {
        if (!Files.isReadable(Path.of(path))) {
            throw unreadable(path);
        }
    }

    private static UserError brokenLink(Path link) {
        return UserError.input("input " + link + " is a broken symbolic link", "Repair the link or remove it.");
    }

    private static UserError unreadable(String path) {
        return UserError.input(
                "input " + path + " is not readable for user " + System.getProperty("user.name"),
                "Change its permissions, or leave it out.");
    }

    /** Whether the path is a file or folder, not a pipe, socket or device. */
    static boolean isOrdinary(String path) throws IOException {
        return !Files.readAttributes(Path.of(path), BasicFileAttributes.class).isOther();
    }

    /**
     * An identity of a file or folder: equal for all of its names (hard links, symbolic links, other spellings), and
     * different for different files. The inode is used only for files with several hard links, because inodes are not
     * unique on some network disks.
     */
    static String identity(String path) throws IOException {
        Path file = Path.of(path);
        if (!Files.isDirectory(file) && (int) Files.getAttribute(file, "unix:nlink") > 1) {
            return "inode " + Files.getAttribute(file, "unix:dev") + ":" + Files.getAttribute(file, "unix:ino");
        }
        return file.toRealPath().toString();
    }

    private static boolean isDecodable(Path entry) {
        try {
            return Path.of(entry.toString()).equals(entry);
        } catch (InvalidPathException e) {
            return false;
        }
    }

    private static boolean isBrokenLink(Path entry) {
        return Files.isSymbolicLink(entry) && !Files.exists(entry);
    }

    private static String encoding() {
        return System.getProperty("sun.jnu.encoding", "an unknown encoding");
    }

    private static String remedyForNames() {
        return encoding().equals("UTF-8")
                ? "Rename the file: its name is not UTF-8."
                : "Set LC_ALL=C.UTF-8 for the driver, and spark.executorEnv.LC_ALL=C.UTF-8 for the executors.";
    }
}
