package dev.uncurl.jobs.evaluate;

import dev.uncurl.jobs.warehouse.row.ComparisonRow;
import dev.uncurl.statistics.Bootstrap;
import dev.uncurl.statistics.CompactLetters;
import dev.uncurl.statistics.Detectable;
import dev.uncurl.statistics.Holm;
import dev.uncurl.statistics.Interval;
import dev.uncurl.statistics.McNemar;
import dev.uncurl.statistics.PairedSample;
import dev.uncurl.statistics.Replicates;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** Compares subjects with a baseline, and with each other, by one metric. */
final class MetricComparison {
    /** An accuracy on fewer examples is flagged: its standard error is above 3 points. */
    private static final int FEW_EXAMPLES = 200;

    /**
     * What all rows of a comparison have in common.
     *
     * @param id hash of everything that determined it
     */
    record Header(String id, Instant createdAt, ScoredSet baseline, double margin) {}

    private final Header header;
    private final MetricSample metric;
    private final PairedSample sample;
    private final List<Subject> subjects;
    /** The models of each subject, by their places in the sample. */
    private final List<int[]> members;

    private final int baseline;
    private final Replicates replicates;

    MetricComparison(Header header, MetricSample metric, List<Subject> subjects, long seed) {
        this.header = header;
        this.metric = metric;
        this.sample = metric.sample();
        this.subjects = subjects;
        List<String> ids =
                metric.models().stream().map(model -> model.of().modelId()).toList();
        this.members = subjects.stream()
                .map(subject -> subject.models().stream().mapToInt(ids::indexOf).toArray())
                .toList();
        this.baseline = IntStream.range(0, subjects.size())
                .filter(s -> subjects.get(s).models().contains(header.baseline.modelId()))
                .findFirst()
                .orElseThrow();
        this.replicates = Bootstrap.of(sample, members, Bootstrap.DRAWS, seed);
    }

    /** One row per subject, the best first; equal ones in the order of their labels. */
    List<ComparisonRow> rows() {
        Comparator<Integer> byValue = Comparator.comparingDouble(s -> sample.value(members.get(s)));
        List<Integer> order = IntStream.range(0, subjects.size())
                .boxed()
                .sorted(metric.metric().isAccuracy() ? byValue.reversed() : byValue)
                .toList();
        List<String> letters = letters(order);
        Map<Integer, Double> corrected = corrected();
        var rows = new ArrayList<ComparisonRow>();
        for (int place = 0; place < order.size(); place++) {
            int subject = order.get(place);
            rows.add(row(subject, letters.get(place), Optional.ofNullable(corrected.get(subject))));
        }
        return rows;
    }

    private List<String> letters(List<Integer> order) {
        int n = order.size();
        var separated = new boolean[n][n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < i; j++) {
                separated[i][j] =
                        !replicates.difference(order.get(i), order.get(j)).contains(0);
                separated[j][i] = separated[i][j];
            }
        }
        return CompactLetters.of(separated);
    }

    /** McNemar's test is for two models, so not for the mean of several, and for right and wrong answers. */
    private Optional<McNemar> discordant(int subject) {
        boolean single = members.get(subject).length == 1 && members.get(baseline).length == 1;
        boolean tested = metric.right() != null && subject != baseline && single;
        return tested
                ? Optional.of(metric.discordant(members.get(subject)[0], members.get(baseline)[0]))
                : Optional.empty();
    }

    private Map<Integer, Double> corrected() {
        int[] tested = IntStream.range(0, subjects.size())
                .filter(s -> discordant(s).isPresent())
                .toArray();
        double[] adjusted = Holm.adjust(IntStream.of(tested)
                .mapToDouble(s -> discordant(s).orElseThrow().exact())
                .toArray());
        var bySubject = new HashMap<Integer, Double>();
        for (int t = 0; t < tested.length; t++) {
            bySubject.put(tested[t], adjusted[t]);
        }
        return bySubject;
    }

    private ComparisonRow row(int s, String letters, Optional<Double> corrected) {
        Subject subject = subjects.get(s);
        int[] own = members.get(s);
        int[] base = members.get(baseline);
        Interval value = replicates.value(s);
        Interval difference = replicates.difference(s, baseline);
        Optional<McNemar> discordant = discordant(s);
        Optional<Setting> setting = subject.setting();
        double error = own.length == 1 && base.length == 1
                ? sample.standardError(own[0], base[0])
                : replicates.standardError(s, baseline);
        return new ComparisonRow(
                header.id,
                header.createdAt,
                header.baseline.task(),
                header.baseline.split(),
                header.baseline.data(),
                Optional.ofNullable(header.baseline.promptVersion()),
                header.baseline.modelId(),
                subject.label(),
                subject.models(),
                setting.filter(one -> own.length == 1).map(Setting::planId),
                setting.map(Setting::method),
                setting.map(Setting::router),
                setting.map(Setting::experts),
                metric.metric().id(),
                metric.n(),
                sample.units(),
                own.length,
                sample.value(own),
                sample.value(base),
                sample.difference(own, base),
                difference.low(),
                difference.high(),
                discordant.map(counts -> (long) counts.better()),
                discordant.map(counts -> (long) counts.worse()),
                discordant.map(McNemar::exact),
                discordant.map(McNemar::midP),
                corrected,
                Detectable.difference(error),
                header.margin,
                s == baseline
                        || difference.excludesWorseBy(
                                header.margin, metric.metric().isAccuracy()),
                letters,
                value.low(),
                value.high(),
                flags(own));
    }

    private List<String> flags(int[] models) {
        var flags = new ArrayList<String>();
        boolean classes =
                switch (metric.metric()) {
                    case ACC, ACC_NORM, ACC_BYTES, ACC_TOKENS -> true;
                    case EM, LOSS, TARGET_LOSS -> false;
                };
        if (classes && IntStream.of(models).anyMatch(metric::isConstant)) {
            flags.add("constant");
        }
        if (classes && sample.value(models) < metric.majority()) {
            flags.add("below-majority");
        }
        if (sample.examples() < FEW_EXAMPLES) {
            flags.add("few-examples");
        }
        return flags;
    }
}
