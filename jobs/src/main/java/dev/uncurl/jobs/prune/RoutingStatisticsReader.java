package dev.uncurl.jobs.prune;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.CorpusRun;
import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.pruning.LayerStatistics;
import dev.uncurl.routing.ExpertStatistics;
import dev.uncurl.routing.RouterGram;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.iceberg.Snapshot;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;

/**
 * What the routing tables tell of a model on a task: what a plan is made from.
 *
 * @param layers one for every layer of the model that has experts, ascending
 * @param data the tokenise run that the tokens come from
 * @param snapshots of the tables as they were read, by name
 */
record RoutingStatisticsReader(List<LayerStatistics> layers, String data, SortedMap<String, Long> snapshots) {
    RoutingStatisticsReader {
        layers = List.copyOf(layers);
        snapshots = Collections.unmodifiableSortedMap(new TreeMap<>(snapshots));
    }

    /** The columns of routing.gram and routing.output_gram that are read, at a snapshot that may be of an earlier release. */
    private record Gram(int layer, int experts, long tokens, double[] gram, String manifestSha256, String data) {}

    /** The columns of routing.expert_statistics that are read, as {@link Gram}. */
    private record Expert(
            int layer,
            int expert,
            long tokens,
            double fraction,
            double gateMass,
            double meanProbability,
            double meanLogit,
            double outputNorm,
            double contribution) {
        ExpertStatistics.Row statistics() {
            return new ExpertStatistics.Row(
                    expert, tokens, fraction, gateMass, meanProbability, meanLogit, outputNorm, contribution);
        }
    }

    /** Which dump: rows of these tables by these columns. */
    private record Dump(Warehouse warehouse, ModelFolder model, String modelId, String task, String split) {
        @Override
        public String toString() {
            return "model " + modelId + " on task " + task + " (" + split + ")";
        }

        String again() {
            return "Run dump-logits --model " + modelId + " --task " + task + " --split " + split + ".";
        }

        /** The tokenise run that the task's tables hold now, as a dump names it. */
        String dataNow() {
            return CorpusRun.ids(List.of(CorpusRun.ofTask(warehouse, task)));
        }

        /** All rows of the dump at one snapshot of the table, whose id goes into {@code snapshots}. */
        Dataset<Row> rows(UncurlTable table, Map<String, Long> snapshots) {
            var iceberg = warehouse.iceberg(table);
            iceberg.refresh();
            Snapshot snapshot = iceberg.currentSnapshot();
            if (snapshot == null) {
                return warehouse.table(table);
            }
            snapshots.put(table.id(), snapshot.snapshotId());
            return warehouse
                    .spark()
                    .sql("SELECT * FROM " + table.fullName() + " VERSION AS OF " + snapshot.snapshotId())
                    .where(functions
                            .col("model_id")
                            .equalTo(modelId)
                            .and(functions.col("task").equalTo(task))
                            .and(functions.col("split").equalTo(split)));
        }
    }

    /**
     * @param outputs whether routing.output_gram is wanted too, where it has rows
     * @throws UserError (input) when there is no dump of the model as it is on the data as they are, or its rows do not fit
     *     the model or each other, or hold what cannot be
     */
    static RoutingStatisticsReader read(
            Warehouse warehouse, ModelFolder model, String modelId, String task, String split, boolean outputs) {
        var dump = new Dump(warehouse, model, modelId, task, split);
        var snapshots = new TreeMap<String, Long>();
        Map<Integer, Gram> gramRows = byLayer(dump, UncurlTable.GRAM, snapshots);
        if (gramRows.isEmpty()) {
            throw UserError.input("There are no router logits of " + dump + alternatives(dump), dump.again());
        }
        Map<Integer, RouterGram> outputGrams = outputs
                ? grams(dump, UncurlTable.OUTPUT_GRAM, byLayer(dump, UncurlTable.OUTPUT_GRAM, snapshots))
                : Map.of();
        Map<Integer, RouterGram> grams = grams(dump, UncurlTable.GRAM, gramRows);
        Map<Integer, List<ExpertStatistics.Row>> statistics = statistics(dump, snapshots);
        var layers = new ArrayList<LayerStatistics>();
        for (int layer : model.config().moeLayers()) {
            RouterGram gram = grams.get(layer);
            if (gram == null) {
                throw UserError.input("routing.gram has no row for layer " + layer + " of " + dump, dump.again());
            }
            layers.add(new LayerStatistics(
                    layer,
                    gram,
                    statistics(dump, layer, gram, statistics.getOrDefault(layer, List.of())),
                    Optional.ofNullable(outputGrams.get(layer))));
        }
        String data = gramRows.values().iterator().next().data();
        return new RoutingStatisticsReader(layers, data, snapshots);
    }

    private static String alternatives(Dump dump) {
        List<String> tasks = dump
                .warehouse
                .rows(UncurlTable.GRAM, "model_id", dump.modelId)
                .selectExpr("concat(task, ' (', split, ')')")
                .distinct()
                .collectAsList()
                .stream()
                .map(row -> row.getString(0))
                .sorted()
                .toList();
        return tasks.isEmpty() ? "" : "; there are some on " + String.join(", ", tasks);
    }

    /** @throws UserError (input) when a row is of another state of the model or of the data, or a layer has several */
    private static Map<Integer, Gram> byLayer(Dump dump, UncurlTable table, Map<String, Long> snapshots) {
        var rows = new TreeMap<Integer, Gram>();
        String now = dump.model.manifestSha256();
        List<Gram> all = Records.read(dump.rows(table, snapshots), Gram.class);
        String dataNow = all.isEmpty() ? null : dump.dataNow();
        for (Gram row : all) {
            if (!row.manifestSha256().equals(now)) {
                throw UserError.input(
                        table.id() + " of " + dump + " was dumped of a model with manifest " + row.manifestSha256()
                                + "; the model has " + now + " now",
                        dump.again());
            }
            if (!row.data().equals(dataNow)) {
                throw UserError.input(
                        table.id() + " of " + dump + " was dumped of the data of " + row.data()
                                + "; the task was tokenised again, as " + dataNow,
                        dump.again());
            }
            if (rows.put(row.layer(), row) != null) {
                throw UserError.input(
                        table.id() + " has two rows for layer " + row.layer() + " of " + dump, "Delete one of them.");
            }
        }
        return rows;
    }

    private static Map<Integer, RouterGram> grams(Dump dump, UncurlTable table, Map<Integer, Gram> rows) {
        MoeConfig moe = dump.model.config().moe();
        var grams = new TreeMap<Integer, RouterGram>();
        rows.forEach((layer, row) -> {
            String place = "Layer " + layer + " of " + table.id() + ", " + dump;
            boolean known = dump.model.config().isMoe(layer);
            int expected = known ? moe.experts() : 0;
            if (row.experts() != expected) {
                throw UserError.input(
                        place + ", is of " + row.experts() + " experts; the model has " + expected + " there",
                        dump.again());
            }
            try {
                grams.put(layer, new RouterGram(row.experts(), row.tokens(), row.gram()));
            } catch (UserError userError) {
                throw userError.at(place);
            }
        });
        return grams;
    }

    private static Map<Integer, List<ExpertStatistics.Row>> statistics(Dump dump, Map<String, Long> snapshots) {
        var layers = new TreeMap<Integer, List<ExpertStatistics.Row>>();
        Dataset<Row> rows = dump.rows(UncurlTable.EXPERT_STATISTICS, snapshots).orderBy("layer", "expert");
        for (Expert row : Records.read(rows, Expert.class)) {
            try {
                layers.computeIfAbsent(row.layer(), key -> new ArrayList<>()).add(row.statistics());
            } catch (UserError userError) {
                throw userError.at("Layer " + row.layer() + " of routing.expert_statistics, " + dump);
            }
        }
        return layers;
    }

    private static ExpertStatistics statistics(Dump dump, int layer, RouterGram gram, List<ExpertStatistics.Row> rows) {
        long choices = rows.stream().mapToLong(ExpertStatistics.Row::tokens).sum();
        long expected = gram.tokens() * dump.model.config().moe().choices(layer);
        if (rows.size() != gram.experts() || choices != expected) {
            throw UserError.input(
                    "routing.expert_statistics has " + rows.size() + " experts with " + choices
                            + " choices for layer " + layer + " of " + dump + "; by routing.gram it has "
                            + gram.experts() + " with " + expected,
                    "Delete the rows of routing.gram and run dump-logits again.");
        }
        return ExpertStatistics.of(rows);
    }
}
