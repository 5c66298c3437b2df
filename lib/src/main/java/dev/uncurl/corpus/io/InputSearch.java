package dev.uncurl.corpus.io;

import dev.uncurl.error.UserError;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.GlobExpander;
import org.apache.hadoop.fs.GlobFilter;
import org.apache.hadoop.fs.Path;

/**
 * Finds the files that one pattern matches. The name of an existing file or folder is used literally, whatever
 * characters it has. Otherwise the pattern is read as a glob, folder by folder, so special characters in the names of
 * existing parent folders have no effect.
 */
final class InputSearch {
    /**
     * A file that was found.
     *
     * @param identity equal for all names of a file, as far as the file system can determine it
     */
    record Found(CorpusFile file, String identity) {}

    /** A folder and the remaining names of a pattern that are matched in it. */
    private record Visit(String folder, List<String> names) {}

    private static final String ANY_FOLDERS = "**";

    private final String pattern;
    private final ListingRemarks remarks;
    private final FileSystem files;
    private final boolean local;
    private final TreeMap<String, Found> found = new TreeMap<>();
    private final Set<String> folders = new HashSet<>();
    private final Set<Visit> matched = new HashSet<>();

    private InputSearch(Configuration configuration, String pattern, ListingRemarks remarks) throws IOException {
        this.pattern = pattern;
        this.remarks = remarks;
        this.files = CorpusFiles.path(pattern).getFileSystem(configuration);
        this.local = files.getUri().getScheme().equals("file");
    }

    /**
     * @param remarks receives the files that are skipped
     * @return the files, sorted by path
     * @throws UserError (input) if there are none, or if one of them cannot be read
     */
    static Collection<Found> find(Configuration configuration, String pattern, ListingRemarks remarks) {
        try {
            return new InputSearch(configuration, pattern, remarks).find();
        } catch (FileNotFoundException e) {
            throw CorpusFiles.missing(pattern, e);
        } catch (IOException e) {
            throw UserError.input(
                    "input " + pattern + " cannot be listed: " + e.getMessage(),
                    "Check the path, its file system and your permissions.",
                    e);
        }
    }

    private Collection<Found> find() throws IOException {
        Path path = CorpusFiles.path(pattern);
        FileStatus literal = status(path);
        if (literal != null) {
            add(literal, true);
            if (found.isEmpty()) {
                throw UserError.input(
                        "input " + pattern + " is a folder without files",
                        "Name its files or another folder. Hidden files, whose names begin with . or _, must be named"
                                + " themselves.");
            }
            return found.values();
        }
        Path base = path.isAbsolute() ? files.makeQualified(new Path("/")) : files.getWorkingDirectory();
        for (String alternative : GlobExpander.expand(path.toUri().getPath())) {
            List<String> names = Arrays.stream(alternative.split("/"))
                    .filter(name -> !name.isEmpty())
                    .toList();
            match(base, names);
        }
        if (found.isEmpty()) {
            throw CorpusFiles.missing(pattern, null);
        }
        return found.values();
    }

    private void match(Path folder, List<String> names) throws IOException {
        if (!matched.add(new Visit(identity(folder), names))) {
            return; // visited before: a link points back to this folder
        }
        String name = names.get(0);
        List<String> rest = names.subList(1, names.size());
        FileStatus literal = status(new Path(folder + (folder.isRoot() ? "" : "/") + name));
        if (literal != null) {
            follow(literal, rest);
        } else if (name.equals(ANY_FOLDERS)) {
            follow(files.getFileStatus(folder), rest);
            for (FileStatus child : rest.isEmpty() ? List.<FileStatus>of() : children(folder, InputSearch::isVisible)) {
                if (child.isDirectory()) {
                    match(child.getPath(), names);
                }
            }
        } else if (name.matches("(?s).*[*?\\[{\\\\].*")) {
            var glob = new GlobFilter(name);
            boolean hiddenToo = isHidden(name);
            for (FileStatus child : children(
                    folder, child -> glob.accept(childPath(folder, child)) && (hiddenToo || isVisible(child)))) {
                follow(child, rest);
            }
        }
    }

    private void follow(FileStatus status, List<String> rest) throws IOException {
        if (rest.isEmpty()) {
            add(status, false);
        } else if (status.isDirectory()) {
            match(status.getPath(), rest);
        }
    }

    private void add(FileStatus status, boolean byName) throws IOException {
        if (status.isFile()) {
            addFile(status, byName);
        } else if (folders.add(identity(status.getPath()))) {
            for (FileStatus child : children(status.getPath(), InputSearch::isVisible)) {
                if (child.isDirectory()) {
                    remarks.subfolder(child.getPath().toString());
                }
                add(child, false);
            }
        }
    }

    private void addFile(FileStatus status, boolean byName) throws IOException {
        String path = status.getPath().toString();
        if (local) {
            String onDisk = status.getPath().toUri().getPath();
            if (!LocalDisk.isOrdinary(onDisk)) {
                if (byName) {
                    throw UserError.input(
                            "input " + pattern + " is a pipe, socket or device, not a file or folder",
                            "Write its data to a file first: inputs are read more than once.");
                }
                remarks.notAFile(path);
                return;
            }
            LocalDisk.requireReadable(onDisk);
        }
        CorpusFiles.refuseUnreadable(status.getPath());
        found.put(path, new Found(new CorpusFile(path, status.getLen()), identity(status.getPath())));
    }

    /** The wanted entries of a folder, sorted by name. Hidden entries that are not wanted are added to the remarks. */
    private List<FileStatus> children(Path folder, Predicate<String> wanted) throws IOException {
        FileStatus[] listed = files.listStatus(folder);
        var children = new ArrayList<FileStatus>();
        for (FileStatus child : listed) {
            String name = child.getPath().getName();
            if (wanted.test(name)) {
                children.add(child);
            } else if (isHidden(name)) {
                remarks.hidden(child.getPath().toString());
            }
        }
        if (local) {
            Set<String> names =
                    children.stream().map(child -> child.getPath().getName()).collect(Collectors.toSet());
            LocalDisk.requireComplete(folder.toUri().getPath(), names, wanted);
        }
        children.sort((a, b) -> a.getPath().getName().compareTo(b.getPath().getName()));
        return children;
    }

    private static Path childPath(Path folder, String name) {
        return new Path(folder + "/" + name);
    }

    private static boolean isHidden(String name) {
        return name.startsWith(".") || name.startsWith("_");
    }

    private static boolean isVisible(String name) {
        return !isHidden(name);
    }

    private String identity(Path path) throws IOException {
        return local
                ? LocalDisk.identity(path.toUri().getPath())
                : files.makeQualified(path).toString();
    }

    /** The status of a file or folder; null if it does not exist. */
    private FileStatus status(Path path) throws IOException {
        try {
            return files.getFileStatus(path);
        } catch (FileNotFoundException e) {
            return null;
        }
    }
}
