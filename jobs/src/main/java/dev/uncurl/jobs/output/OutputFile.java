package dev.uncurl.jobs.output;

import dev.uncurl.error.UserError;
import java.io.IOException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFileAttributeView;
import java.util.UUID;

/**
 * A file that a command writes for its user. It is replaced atomically: readers see the old file or the whole new one. Links
 * are followed: the target is written, and the link stays. A new file gets the permissions of the user's umask, an existing
 * file keeps its own.
 */
public final class OutputFile {
    /** Longest chain of links; the limit of Linux. */
    private static final int MOST_LINKS = 40;

    private final String option;
    private final Path given;
    private final Path target;

    private OutputFile(String option, Path given, Path target) {
        this.option = option;
        this.given = given;
        this.target = target;
    }

    /**
     * Checks that the file can be written; call this before the work.
     *
     * @param option that names the file
     * @throws UserError (usage) when it is a folder, a pipe or a device, or its folder is missing or cannot be written
     */
    public static OutputFile of(String option, Path given) {
        try {
            Path target = target(given.toAbsolutePath());
            var file = new OutputFile(option, given, target);
            Path folder = target.getParent();
            if (Files.exists(target) && !Files.isRegularFile(target)) {
                throw file.cannotWrite("it is " + (Files.isDirectory(target) ? "a folder" : "not a regular file"));
            }
            if (folder == null || !Files.isDirectory(folder)) {
                throw file.cannotWrite("the folder " + folder + " does not exist");
            }
            if (!Files.isWritable(folder) || Files.exists(target) && !Files.isWritable(target)) {
                throw file.cannotWrite("this user may not write " + (Files.isWritable(folder) ? target : folder));
            }
            return file;
        } catch (IOException e) {
            throw new OutputFile(option, given, given).cannotWrite(e.toString());
        }
    }

    private UserError cannotWrite(String why) {
        return UserError.usage(
                "The file " + given + " cannot be written: " + why,
                "Name a regular file in a folder that can be written with " + option + ".");
    }

    /** Target of a chain of links; it need not exist. */
    private static Path target(Path file) throws IOException {
        Path target = file;
        for (int links = 0; Files.isSymbolicLink(target); links++) {
            if (links == MOST_LINKS) {
                throw new FileSystemLoopException(file.toString());
            }
            target = target.resolveSibling(Files.readSymbolicLink(target));
        }
        return target;
    }

    /** Writes the whole content, atomically. */
    public void write(byte[] bytes) throws IOException {
        Path unfinished = target.resolveSibling("." + UUID.randomUUID() + ".tmp");
        try {
            Files.write(unfinished, bytes, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            if (Files.exists(target)) {
                keepAttributes(unfinished);
            }
            Files.move(unfinished, target, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(unfinished);
        }
    }

    private void keepAttributes(Path unfinished) throws IOException {
        var old = Files.getFileAttributeView(target, PosixFileAttributeView.class);
        var view = Files.getFileAttributeView(unfinished, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
        if (old == null || view == null) {
            return;
        }
        var kept = old.readAttributes();
        var made = view.readAttributes();
        if (!kept.owner().equals(made.owner())) {
            view.setOwner(kept.owner());
        }
        if (!kept.group().equals(made.group())) {
            view.setGroup(kept.group());
        }
        view.setPermissions(kept.permissions());
    }

    @Override
    public String toString() {
        return given.toString();
    }
}
