package dev.uncurl.corpus.io;

import dev.uncurl.error.UserError;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;

/**
 * The files of a corpus. Each file is in exactly one list, once, however often and under whatever names it is given. A
 * file that both paths and validation paths name is used for validation only.
 *
 * @param files the files of the paths, sorted by path
 * @param validation the files of the validation paths, sorted by path
 * @param remarks lines for the user about files that were skipped, with the reason
 */
public record CorpusListing(List<CorpusFile> files, List<CorpusFile> validation, List<String> remarks) {
    /**
     * Finds the files.
     *
     * @param paths files, folders (read with their subfolders) or globs ({@code *}, {@code ?}, {@code [a-b]}, {@code
     *     {a,b}}, {@code **} for any number of folders, {@code \} to escape a character). The name of an existing file
     *     is never read as a glob. Folders and wildcards skip hidden files and folders, whose names begin with a dot or
     *     an underscore
     * @param validationPaths the same for the validation split; may be empty
     * @throws UserError (input) if a pattern matches nothing; if a file cannot be read because of its kind, ending,
     *     name or permissions; if all files that a pattern of the paths matches are also in the validation paths
     */
    public static CorpusListing of(
            Configuration configuration, Collection<String> paths, Collection<String> validationPaths) {
        if (paths.isEmpty()) {
            throw UserError.usage("no input is given", "Name files, folders or globs of a corpus.");
        }
        var remarks = new ListingRemarks();
        var validating = new HashMap<String, String>();
        var validation = new Files(remarks);
        for (String pattern : validationPaths) {
            for (InputSearch.Found found : InputSearch.find(configuration, pattern, remarks)) {
                validating.putIfAbsent(found.identity(), pattern);
                validation.add(found);
            }
        }
        var training = new Files(remarks);
        for (String pattern : paths) {
            Collection<InputSearch.Found> all = InputSearch.find(configuration, pattern, remarks);
            requireAnyForTraining(pattern, all, validating);
            for (InputSearch.Found found : all) {
                if (validating.containsKey(found.identity())) {
                    remarks.inBothLists(found.file().path());
                } else {
                    training.add(found);
                }
            }
        }
        return new CorpusListing(training.sorted(), validation.sorted(), remarks.lines());
    }

    private static void requireAnyForTraining(
            String pattern, Collection<InputSearch.Found> all, Map<String, String> validating) {
        if (all.stream().allMatch(found -> validating.containsKey(found.identity()))) {
            InputSearch.Found first = all.iterator().next();
            throw UserError.input(
                    "paths = " + pattern + " and validation-paths = " + validating.get(first.identity())
                            + " name the same files, such as " + first.file().path()
                            + ": a file cannot be in both splits",
                    "Remove one of the two patterns.");
        }
    }

    /** Files of one split by identity. If a file has several names, the first name in order is used. */
    private static final class Files {
        private final ListingRemarks remarks;
        private final Map<String, CorpusFile> byIdentity = new HashMap<>();

        Files(ListingRemarks remarks) {
            this.remarks = remarks;
        }

        void add(InputSearch.Found found) {
            byIdentity.merge(found.identity(), found.file(), (known, other) -> {
                int order = known.path().compareTo(other.path());
                CorpusFile first = order <= 0 ? known : other;
                if (order != 0) {
                    remarks.otherName((order < 0 ? other : known).path(), first.path());
                }
                return first;
            });
        }

        List<CorpusFile> sorted() {
            var byPath = new TreeMap<String, CorpusFile>();
            byIdentity.values().forEach(file -> {
                byPath.put(file.path(), file);
                if (file.bytes() == 0) {
                    remarks.empty(file.path());
                }
            });
            return List.copyOf(byPath.values());
        }
    }
}
