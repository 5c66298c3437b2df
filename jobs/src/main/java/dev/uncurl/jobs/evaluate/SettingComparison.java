package dev.uncurl.jobs.evaluate;

import static org.apache.spark.sql.functions.col;

import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.ResultRow;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A comparison of settings that were scored before, such as those of a sweep, with a baseline on the same examples. Each setting is
 * one subject, whatever its models have in common.
 *
 * @param data tokenise run of the examples: the results on it count, whatever their limit
 * @param baseline its first model is the one that evaluation.comparisons names
 */
public record SettingComparison(String task, String split, String data, Entrant baseline, List<Entrant> settings) {
    /**
     * The models or scored plans of one setting.
     *
     * @param label distinct among the settings
     * @param models model_id of their results, one for each seed
     * @param planId of a setting with one plan
     * @param experts K as asked for
     */
    public record Entrant(
            String label,
            List<String> models,
            Optional<String> planId,
            Optional<String> method,
            Optional<String> router,
            Optional<Integer> experts) {

        /** The baseline is known by its id. */
        private Subject subject(boolean isBaseline) {
            Optional<Setting> made = method.map(name -> new Setting(
                    new TreeMap<>(), planId.orElse(null), name, router.orElse(null), experts.orElse(0), 0, ""));
            return new Subject(isBaseline ? models.get(0) : label, models, made);
        }
    }

    /**
     * Compares the settings and writes evaluation.comparisons, unless the same comparison is there.
     *
     * @param margin of "not worse", a share for accuracies, nats per token for losses
     * @return whether there was anything to compare: results of the baseline and of another setting
     */
    public boolean store(Warehouse warehouse, double margin) {
        List<ResultRow> results = results(warehouse);
        Set<String> scored = results.stream().map(ResultRow::modelId).collect(Collectors.toSet());
        List<Subject> subjects = Stream.concat(
                        Stream.of(baseline.subject(true)), settings.stream().map(setting -> setting.subject(false)))
                .filter(subject -> scored.containsAll(subject.models()))
                .toList();
        if (subjects.size() < 2 || !scored.containsAll(baseline.models)) {
            return false;
        }
        Set<String> compared =
                subjects.stream().flatMap(subject -> subject.models().stream()).collect(Collectors.toSet());
        Comparison.of(
                warehouse,
                baseline.models.get(0),
                results.stream().filter(row -> compared.contains(row.modelId())).toList(),
                margin,
                subjects);
        return true;
    }

    private List<ResultRow> results(Warehouse warehouse) {
        Set<String> ids = Stream.concat(Stream.of(baseline), settings.stream())
                .flatMap(setting -> setting.models.stream())
                .collect(Collectors.toSet());
        var rows = warehouse
                .rows(UncurlTable.RESULTS, "task", task, "split", split)
                .where(col("data").startsWith(data));
        return Records.read(rows, ResultRow.class).stream()
                .filter(row -> ids.contains(row.modelId()))
                .toList();
    }
}
