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
 * Loads the routing statistics of one dump (a model on a task) and checks them against the model.
 *
 * @param layers one per layer of the model that has experts, ascending
 * @param data the tokenise run of the tokens
 * @param snapshots ids of the snapshots that were read, by table
 */
record RoutingStatisticsReader(List<LayerStatistics> layers, String data, SortedMap<String, Long> snapshots) {
    RoutingStatisticsReader {
        layers = List.copyOf(layers);
        snapshots = Collections.unmodifiableSortedMap(new TreeMap<>(snapshots));
    }

    /** The columns that are read of routing.gram and routing.output_gram. Earlier releases did not write all other columns. */
    private record Gram(int layer, int experts, long tokens, double[] gram, String manifestSha256, String data) {}

    /** The columns that are read of routing.expert_statistics. */
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

    /** A dump: the columns that select its rows. */
    private record Dump(Warehouse warehouse, ModelFolder model, String modelId, String task, String split) {
        @Override
        public String toString() {
            return "model " + modelId + " on task " + task + " (" + split + ")";
        }

        String remedy() {
            return "Run dump-logits --model " + modelId + " --task " + task + " --split " + split + ".";
        }

        /** The tokenise run of the current rows of the task. */
        String currentData() {
            return CorpusRun.ids(List.of(CorpusRun.ofTask(warehouse, task)));
        }

        /** The rows of the dump at the current snapshot of the table; adds the snapshot's id to {@code snapshots}. */
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
     * @param outputs whether to read routing.output_gram too, if it has rows
     * @throws UserError (input) if there is no dump of the current model on the current data, or its rows do not match the
     *     model or each other, or contain impossible values
     */
    static RoutingStatisticsReader read(
            Warehouse warehouse, ModelFolder model, String modelId, String task, String split, boolean outputs) {
        var dump = new Dump(warehouse, model, modelId, task, split);
        var snapshots = new TreeMap<String, Long>();
        Map<Integer, Gram> gramRows = byLayer(dump, UncurlTable.GRAM, snapshots);
        if (gramRows.isEmpty()) {
            throw UserError.input("There are no router logits of " + dump + alternatives(dump), dump.remedy());
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
                throw UserError.input("routing.gram has no row for layer " + layer + " of " + dump, dump.remedy());
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

    /** The same as if the experts' outputs had not been read. */
    RoutingStatisticsReader withoutOutputs() {
        var read = new TreeMap<>(snapshots);
        read.remove(UncurlTable.OUTPUT_GRAM.id());
        var without = layers.stream()
                .map(layer -> new LayerStatistics(layer.layer(), layer.gram(), layer.statistics(), Optional.empty()))
                .toList();
        return new RoutingStatisticsReader(without, data, read);
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
        return tasks.isEmpty() ? "" : "; there are router logits on " + String.join(", ", tasks);
    }

    /** @throws UserError (input) if a row is of another version of the model or of the data, or a layer has two rows */
    private static Map<Integer, Gram> byLayer(Dump dump, UncurlTable table, Map<String, Long> snapshots) {
        var rows = new TreeMap<Integer, Gram>();
        String current = dump.model.manifestSha256();
        List<Gram> all = Records.read(dump.rows(table, snapshots), Gram.class);
        String currentData = all.isEmpty() ? null : dump.currentData();
        for (Gram row : all) {
            if (!row.manifestSha256().equals(current)) {
                throw UserError.input(
                        table.id() + " of " + dump + " was dumped from a model with manifest " + row.manifestSha256()
                                + "; the model now has manifest " + current,
                        dump.remedy());
            }
            if (!row.data().equals(currentData)) {
                throw UserError.input(
                        table.id() + " of " + dump + " was dumped on the data of " + row.data()
                                + "; the task was tokenised again, as " + currentData,
                        dump.remedy());
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
            String where = "Layer " + layer + " of " + table.id() + ", " + dump;
            boolean isMoe = dump.model.config().isMoe(layer);
            int expected = isMoe ? moe.experts() : 0;
            if (row.experts() != expected) {
                throw UserError.input(
                        where + ": the row has " + row.experts() + " experts, the model has " + expected,
                        dump.remedy());
            }
            try {
                grams.put(layer, new RouterGram(row.experts(), row.tokens(), row.gram()));
            } catch (UserError e) {
                throw e.at(where);
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
            } catch (UserError e) {
                throw e.at("Layer " + row.layer() + " of routing.expert_statistics, " + dump);
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
                            + " choices for layer " + layer + " of " + dump + "; routing.gram implies "
                            + gram.experts() + " experts with " + expected + " choices",
                    "Delete the rows of routing.gram and run dump-logits again.");
        }
        return ExpertStatistics.of(rows);
    }
}
