package dev.uncurl.jobs.report;

import dev.uncurl.jobs.output.Digits;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/** What rows of a comparison say, in sentences: above all what they do not say. */
final class Findings {
    private Findings() {}

    /** Sentences about each row by itself: which are worse than the baseline, which are not known to be. */
    static List<String> againstBaseline(List<Compared> subjects) {
        var sentences = new ArrayList<String>();
        if (subjects.size() > 1 && subjects.stream().allMatch(row -> row.verdict() == Verdict.WORSE)) {
            sentences.add("All are worse than the baseline.");
        } else {
            add(sentences, "Better than the baseline: ", subjects, row -> row.verdict() == Verdict.BETTER, row -> "");
            add(
                    sentences,
                    "Within noise of the baseline, and worse by this much at most: ",
                    subjects,
                    row -> row.verdict() == Verdict.WITHIN_NOISE,
                    row -> " " + Digits.fixed(row.worstCase(), 3));
            add(sentences, "Worse than the baseline: ", subjects, row -> row.verdict() == Verdict.WORSE, row -> "");
        }
        subjects.stream()
                .findFirst()
                .ifPresent(first -> add(
                        sentences,
                        "Not worse by more than the margin of " + Digits.fixed(first.margin(), 3) + ": ",
                        subjects,
                        row -> row.notWorse().orElse(false),
                        row -> ""));
        return sentences;
    }

    private static void add(
            List<String> sentences,
            String before,
            List<Compared> rows,
            Predicate<Compared> which,
            Function<Compared, String> behind) {
        String names = rows.stream()
                .filter(which)
                .map(row -> row.setting() + behind.apply(row))
                .collect(Collectors.joining(", "));
        if (!names.isEmpty()) {
            sentences.add(before + names + ".");
        }
    }

    /** A sentence about the subjects that share a letter; empty if all are separated. */
    static Optional<String> notSeparated(List<Compared> subjects) {
        Map<Integer, List<String>> byLetter = new TreeMap<>();
        for (Compared row : subjects) {
            row.lettersOrNone().chars().filter(Character::isLetter).forEach(letter -> byLetter.computeIfAbsent(
                            letter, l -> new ArrayList<>())
                    .add(row.setting()));
        }
        String groups = byLetter.entrySet().stream()
                .filter(group -> group.getValue().size() > 1)
                .map(group -> Character.toString(group.getKey()) + ": " + String.join(", ", group.getValue()))
                .collect(Collectors.joining("; "));
        return groups.isEmpty()
                ? Optional.empty()
                : Optional.of("Not separated from each other, so not ranked: " + groups + ".");
    }

    /** What the examples could have shown, and what a row's flags mean for its accuracy. */
    static List<String> limits(List<Compared> rows) {
        var sentences = new ArrayList<String>();
        List<Compared> subjects = rows.stream().filter(row -> !row.isBaseline()).toList();
        var detectable = subjects.stream()
                .flatMap(row -> row.detectable().stream())
                .mapToDouble(Double::doubleValue)
                .summaryStatistics();
        if (detectable.getCount() > 0) {
            boolean same = Digits.fixed(detectable.getMin(), 3).equals(Digits.fixed(detectable.getMax(), 3));
            sentences.add(String.format(
                    Locale.ROOT,
                    "Smallest difference that these data (n = %,d) could have shown with power 0.8: %s%s.",
                    rows.get(0).n(),
                    Digits.fixed(detectable.getMin(), 3),
                    same ? "" : " to " + Digits.fixed(detectable.getMax(), 3) + ", by row"));
        }
        add(
                sentences,
                "Always the same answer, whatever is asked, so that the accuracy says nothing about pruning: ",
                rows,
                row -> row.has("constant"),
                Findings::experts);
        add(
                sentences,
                "Below the majority line (the same answer to everything would score higher): ",
                rows,
                row -> row.has("below-majority"),
                Findings::experts);
        if (rows.stream().anyMatch(row -> row.has("few-examples"))) {
            sentences.add("There are fewer than 200 examples: only large differences show.");
        }
        return sentences;
    }

    private static String experts(Compared row) {
        return row.experts().map(k -> " (K = " + k + ")").orElse("");
    }
}
