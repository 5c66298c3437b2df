package dev.uncurl.jobs.report;

import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * One run of {@code evaluate --against}: models and settings beside one baseline, on the same examples.
 *
 * @param rows at least one; K descending (rows without K first), then from the best value to the worst
 * @param older how many comparisons with the same baseline, task and split there are that are older
 */
record StoredComparison(String against, List<Compared> rows, int older) {
    /** Metrics in the order in which they are shown: the loss first, since it shows the smallest differences. */
    private static final List<String> FIRST =
            List.of("loss_per_token", "target_loss_per_token", "bits_per_byte", "acc");

    /** The newest comparison with each baseline, by the name of the baseline. */
    static List<StoredComparison> newest(Warehouse warehouse, String task, String split) {
        Map<String, StudiedModel> models = StudiedModel.all(warehouse);
        List<Compared> rows =
                Records.read(warehouse.rows(UncurlTable.COMPARISONS, "task", task, "split", split), Compared.class)
                        .stream()
                        .map(row -> row.completed(Pruned.of(row.models().get(0), models)))
                        .toList();
        return newest(rows);
    }

    static List<StoredComparison> newest(List<Compared> all) {
        Map<String, List<Compared>> byBaseline =
                all.stream().collect(Collectors.groupingBy(Compared::against, TreeMap::new, Collectors.toList()));
        var newest = new ArrayList<StoredComparison>();
        byBaseline.forEach((against, rows) -> {
            Instant last = rows.stream()
                    .map(Compared::createdAt)
                    .max(Comparator.naturalOrder())
                    .orElseThrow();
            String id = rows.stream()
                    .filter(row -> row.createdAt().equals(last))
                    .map(Compared::comparisonId)
                    .max(Comparator.naturalOrder())
                    .orElseThrow();
            long ids = rows.stream().map(Compared::comparisonId).distinct().count();
            newest.add(new StoredComparison(
                    against,
                    rows.stream()
                            .filter(row -> row.comparisonId().equals(id))
                            .sorted(order())
                            .toList(),
                    (int) ids - 1));
        });
        return newest;
    }

    private static Comparator<Compared> order() {
        return Comparator.<Compared>comparingInt(row -> row.isBaseline() ? 0 : 1)
                .thenComparing(row -> row.experts().orElse(Integer.MAX_VALUE), Comparator.reverseOrder())
                .thenComparingDouble(row -> Compared.lowerIsBetter(row.metric()) ? row.value() : -row.value())
                .thenComparing(Compared::subject);
    }

    List<String> metrics() {
        return rows.stream()
                .map(Compared::metric)
                .distinct()
                .sorted(metricOrder())
                .toList();
    }

    static Comparator<String> metricOrder() {
        return Comparator.comparingInt(StoredComparison::place).thenComparing(Comparator.naturalOrder());
    }

    private static int place(String metric) {
        return FIRST.contains(metric) ? FIRST.indexOf(metric) : FIRST.size();
    }

    /** The rows of one metric, in the order of {@link #rows}. */
    List<Compared> of(String metric) {
        return rows.stream().filter(row -> row.metric().equals(metric)).toList();
    }

    Optional<Compared> baseline(String metric) {
        return of(metric).stream().filter(Compared::isBaseline).findFirst();
    }

    /** The subjects of one metric by K, from the largest K; those that were not pruned are last, under an empty K. */
    Map<Optional<Integer>, List<Compared>> byExperts(String metric) {
        var panels = new LinkedHashMap<Optional<Integer>, List<Compared>>();
        List<Compared> subjects =
                of(metric).stream().filter(row -> !row.isBaseline()).toList();
        for (boolean pruned : new boolean[] {true, false}) {
            subjects.stream().filter(row -> row.experts().isPresent() == pruned).forEach(row -> panels.computeIfAbsent(
                            row.experts(), k -> new ArrayList<>())
                    .add(row));
        }
        return panels;
    }

    String data() {
        return rows.get(0).data();
    }
}
