package dev.uncurl.corpus.io;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** What a user should know of how patterns became files: what was left out, and why. */
final class ListingRemarks {
    private static final int SHOWN = 3;

    private final TreeSet<String> hidden = new TreeSet<>();
    private final TreeSet<String> notFiles = new TreeSet<>();
    private final TreeSet<String> subfolders = new TreeSet<>();
    private final TreeSet<String> twice = new TreeSet<>();
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

    void twice(String path, String readAs) {
        twice.add(path + " (is " + readAs + ")");
    }

    void validatesOnly(String path) {
        validating.add(path);
    }

    void empty(String path) {
        empty.add(path);
    }

    /** A line for each kind that there is: how many, and the first of them. */
    List<String> lines() {
        var lines = new ArrayList<String>();
        line(lines, subfolders, "subfolders are read too");
        line(lines, hidden, "left out, hidden: names that begin with . or _");
        line(lines, notFiles, "left out, neither files nor folders but pipes, sockets or devices");
        line(lines, twice, "other names of files that are read once");
        line(lines, validating, "in paths and in validation-paths, read for validation only");
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
