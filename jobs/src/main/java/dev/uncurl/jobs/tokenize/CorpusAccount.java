package dev.uncurl.jobs.tokenize;

import dev.uncurl.error.UserError;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Describes in words what became of the files and documents of a corpus: for the screen and for the error of a run. */
record CorpusAccount(CorpusPlan plan, List<UnitReport> reports) {
    private static final int MOST_FILES = 10;

    /**
     * @param maxRejected share of the documents that may be rejected
     * @param maxDamagedFiles files that may be damaged
     * @throws UserError (rejections) when there are more, (input) when nothing is left
     */
    void refuseUnusable(CorpusTotals totals, double maxRejected, int maxDamagedFiles) {
        if (totals.damagedFiles() > maxDamagedFiles) {
            throw UserError.rejections(
                    String.format(
                            Locale.ROOT,
                            "Corpus %s: damaged files: %,d of %,d, more than max-damaged-files = %d:%n    %s",
                            plan.name(),
                            totals.damagedFiles(),
                            plan.sources().size(),
                            maxDamagedFiles,
                            String.join("\n    ", damaged())),
                    "No table was changed. Fetch or make the files again, or raise --max-damaged-files to keep what stands"
                            + " before the damage.");
        }
        double share = totals.documents() == 0 ? 0 : (double) totals.rejectedTotal() / totals.documents();
        if (share > maxRejected) {
            throw UserError.rejections(
                    String.format(
                            Locale.ROOT,
                            "Corpus %s: %,d of %,d documents are rejected, more than max-rejected = %s:%n    %s",
                            plan.name(),
                            totals.rejectedTotal(),
                            totals.documents(),
                            maxRejected,
                            String.join("\n    ", rejected())),
                    "No table was changed. Mend the files, or raise --max-rejected.");
        }
        if (totals.kept() == 0) {
            throw UserError.input(
                    "Corpus " + plan.name() + " holds no document: "
                            + String.join(", ", plan.corpus().paths()),
                    "No table was changed. Name files with text in format "
                            + plan.corpus().format() + ".");
        }
    }

    /** What was not taken, a line each; empty where all was. */
    String lines() {
        var lines = new ArrayList<String>();
        damaged().forEach(file -> lines.add("damaged file: " + file));
        rejected().forEach(reason -> lines.add("rejected: " + reason));
        var paths = plan.paths();
        var without = new TreeSet<>(plan.sources());
        reports.stream()
                .filter(report -> report.documents() > 0 || report.damage() != null)
                .forEach(report -> without.remove(paths.get(report.unit())));
        shortened(List.copyOf(without)).forEach(file -> lines.add("without a document: " + file));
        return lines.stream().map(line -> "  " + line + "\n").collect(Collectors.joining());
    }

    private List<String> damaged() {
        Map<Integer, String> paths = plan.paths();
        return shortened(reports.stream()
                .filter(report -> report.damage() != null)
                .map(report -> paths.get(report.unit()) + ": " + report.damage())
                .sorted()
                .toList());
    }

    /** Each reason with its number and the first place, by file and unit. */
    private List<String> rejected() {
        Map<Integer, String> paths = plan.paths();
        var counts = new TreeMap<String, Long>();
        var places = new TreeMap<String, String>();
        var files = new TreeMap<String, TreeSet<String>>();
        reports.stream().sorted(Comparator.comparingInt(UnitReport::unit)).forEach(report -> report.rejected()
                .forEach((reason, count) -> {
                    String path = paths.get(report.unit());
                    counts.merge(reason, count, Long::sum);
                    files.computeIfAbsent(reason, key -> new TreeSet<>()).add(path);
                    places.putIfAbsent(
                            reason, path + " at " + report.rejectedAt().getOrDefault(reason, "an unknown place"));
                }));
        return counts.entrySet().stream()
                .map(entry -> {
                    int more = files.get(entry.getKey()).size() - 1;
                    return String.format(
                            Locale.ROOT,
                            "%,d %s, first in %s%s",
                            entry.getValue(),
                            entry.getKey(),
                            places.get(entry.getKey()),
                            more == 0 ? "" : String.format(Locale.ROOT, ", and in %,d other files", more));
                })
                .toList();
    }

    private static List<String> shortened(List<String> files) {
        if (files.size() <= MOST_FILES) {
            return files;
        }
        var some = new ArrayList<>(files.subList(0, MOST_FILES));
        some.add(String.format(Locale.ROOT, "and %,d more", files.size() - MOST_FILES));
        return some;
    }
}
