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
 * What Java knows of files on the local disk and Hadoop's file system does not say: what a link leads to, which names
 * are one file, and which entries of a folder its listing leaves out.
 */
final class LocalDisk {
    private LocalDisk() {}

    /**
     * Holds a listing against the folder itself. Hadoop leaves out, without a word, links that lead nowhere and names
     * that Java cannot decode: those with other characters than ASCII where the environment states no encoding.
     *
     * @param listed names that the listing has
     * @param wanted names that matter
     * @throws UserError (input) for an entry that matters and is not listed
     */
    static void requireComplete(String folder, Set<String> listed, Predicate<String> wanted) throws IOException {
        try (var entries = Files.newDirectoryStream(Path.of(folder))) {
            for (Path entry : entries) {
                String name = entry.getFileName().toString();
                if (!wanted.test(name)) {
                    continue;
                }
                if (!canBeNamed(entry)) {
                    throw UserError.input(
                            "folder " + folder + " holds the file '" + name + "', whose name cannot be read as "
                                    + encoding() + ", the encoding of file names here",
                            remedyForNames());
                }
                if (!listed.contains(name) && leadsNowhere(entry)) {
                    throw nowhere(entry);
                }
            }
        }
    }

    /** Why there is nothing to read at a path; null when it is not local, or simply not there. */
    static UserError reasonMissing(org.apache.hadoop.fs.Path missing) {
        String scheme = missing.toUri().getScheme();
        String path = missing.toUri().getPath();
        if (scheme != null && !scheme.equals("file")) {
            return null;
        }
        try {
            Path asked = Path.of(path);
            if (Files.readAttributes(asked, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                    .isSymbolicLink()) {
                return Files.exists(asked) ? null : nowhere(asked);
            }
            return Files.isReadable(asked) ? null : unreadable(path);
        } catch (InvalidPathException e) {
            return path.indexOf('\0') >= 0
                    ? null
                    : UserError.input(
                            "input " + path + " cannot be looked for: its name cannot be written as " + encoding()
                                    + ", the encoding of file names here",
                            remedyForNames());
        } catch (AccessDeniedException e) {
            return unreadable(path);
        } catch (IOException e) {
            return null;
        }
    }

    /** @throws UserError (input) for a file that this user may not read */
    static void requireReadable(String path) {
        if (!Files.isReadable(Path.of(path))) {
            throw unreadable(path);
        }
    }

    private static UserError nowhere(Path link) {
        return UserError.input("input " + link + " is a link that leads nowhere", "Mend the link or remove it.");
    }

    private static UserError unreadable(String path) {
        return UserError.input(
                "input " + path + " may not be read by " + System.getProperty("user.name"),
                "Give yourself the right to read it, or leave it out.");
    }

    /** Whether it has contents that end: it is no pipe, socket or device. */
    static boolean isOrdinary(String path) throws IOException {
        return !Files.readAttributes(Path.of(path), BasicFileAttributes.class).isOther();
    }

    /**
     * The same for all names of a file or folder, whether by links, hard or symbolic, or by another spelling; different
     * for different ones. Only a file that has several hard links is known by its inode: on some network disks inodes
     * are no identities.
     */
    static String identity(String path) throws IOException {
        Path file = Path.of(path);
        if (!Files.isDirectory(file) && (int) Files.getAttribute(file, "unix:nlink") > 1) {
            return "inode " + Files.getAttribute(file, "unix:dev") + ":" + Files.getAttribute(file, "unix:ino");
        }
        return file.toRealPath().toString();
    }

    private static boolean canBeNamed(Path entry) {
        try {
            return Path.of(entry.toString()).equals(entry);
        } catch (InvalidPathException e) {
            return false;
        }
    }

    private static boolean leadsNowhere(Path entry) {
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
