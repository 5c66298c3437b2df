package dev.uncurl.corpus.io;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Remarks for the user about the files that patterns matched: which were skipped, and why. */
final class ListingRemarks {
    private static final int SHOWN = 3;

    private final TreeSet<String> hidden = new TreeSet<>();
    private final TreeSet<String> notFiles = new TreeSet<>();
    private final TreeSet<String> subfolders = new TreeSet<>();
    private final TreeSet<String> otherNames = new TreeSet<>();
    private final TreeSet<String> validating = new TreeSet<>();
    private final TreeSet<String> empty = new TreeSet<>();

    void hidden(String path) {
        hidden.add(path);
    }

    void notAFile(String path) {
        notFiles.add(path);
    }

    void subfolder(String path) {
        subfolders.add(path);
    }

    void otherName(String path, String readAs) {
        otherNames.add(path + " (same file as " + readAs + ")");
    }

    void inBothLists(String path) {
        validating.add(path);
    }

    void empty(String path) {
        empty.add(path);
    }

    /** One line per kind of remark that occurred, with the number of files and the first few paths. */
    List<String> lines() {
        var lines = new ArrayList<String>();
        line(lines, subfolders, "subfolders are also read");
        line(lines, hidden, "skipped hidden files or folders, whose names begin with . or _");
        line(lines, notFiles, "skipped pipes, sockets or devices");
        line(lines, otherNames, "additional names of files that are read once");
        line(lines, validating, "files in paths and in validation-paths, read for validation only");
        line(lines, empty, "files of 0 bytes");
        return lines;
    }

    private static void line(List<String> lines, Collection<String> paths, String what) {
        if (!paths.isEmpty()) {
            String first = paths.stream()
                    .limit(SHOWN)
                    .map(path -> path.replaceAll("\\p{Cntrl}", "?"))
                    .collect(Collectors.joining(", "));
            lines.add(String.format(
                    Locale.ROOT, "%,d %s: %s%s", paths.size(), what, first, paths.size() > SHOWN ? ", ..." : ""));
        }
    }
}
