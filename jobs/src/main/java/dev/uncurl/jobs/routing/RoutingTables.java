package dev.uncurl.jobs.routing;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.spark.Progress;
import dev.uncurl.jobs.spark.SparkWork;
import dev.uncurl.jobs.warehouse.Leftovers;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.routing.ExpertStatistics;
import dev.uncurl.routing.OutputSums;
import dev.uncurl.routing.RoutedToken;
import dev.uncurl.routing.RouterGram;
import dev.uncurl.routing.RoutingSums;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.apache.hadoop.fs.Path;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.Table;
import org.apache.iceberg.expressions.Expression;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.util.LongAccumulator;

/**
 * The tables of a dump: routing.logits, and what follows from its rows, routing.expert_statistics and routing.gram.
 * They are committed in this order; a dump is complete when its Gram matrices are there. Beside them routing.output_gram,
 * which a pass of its own fills.
 */
final class RoutingTables {
    /** As {@link RoutingPass} names them. */
    private static final Pattern FILE_OF_A_DUMP = Pattern.compile("[0-9a-f]{12}-\\d+-[0-9a-f-]{36}\\.parquet");

    private final Warehouse warehouse;

    public RoutingTables(Warehouse warehouse) {
        this.warehouse = warehouse;
    }

    /**
     * Whether this dump was finished.
     *
     * @param gram the last table that it fills: routing.gram or, of outputs, routing.output_gram
     */
    boolean isComplete(UncurlTable gram, RoutingKey key) {
        List<Row> grams = warehouse.rows(gram, key.partition()).collectAsList();
        return !grams.isEmpty()
                && grams.stream()
                        .allMatch(row -> key.manifestSha256().equals(row.getAs("manifest_sha256"))
                                && key.data().equals(row.getAs("data"))
                                && key.sample().equals(row.getAs("sample")));
    }

    /** Whether the rows of this dump are in routing.logits: its files carry the dump's id. */
    boolean hasLogits(RoutingKey key) {
        Set<String> names = files(warehouse.iceberg(UncurlTable.LOGITS), key);
        return !names.isEmpty() && names.stream().allMatch(name -> name.startsWith(key.id()));
    }

    private static Expression rowsOf(RoutingKey key) {
        return Expressions.and(
                Expressions.equal("model_id", key.modelId()),
                Expressions.equal("task", key.task()),
                Expressions.equal("split", key.split()));
    }

    private static Set<String> files(Table table, RoutingKey key) {
        var names = new HashSet<String>();
        try (CloseableIterable<FileScanTask> tasks =
                table.newScan().filter(rowsOf(key)).planFiles()) {
            tasks.forEach(task -> names.add(new Path(task.file().location()).getName()));
        } catch (IOException e) {
            throw new UncheckedIOException("listing the data files of " + key, e);
        }
        return names;
    }

    /** Puts the written files in place of what the model's dump of this task and split had: one commit. */
    void commitLogits(RoutingKey key, List<DataFile> written) {
        Table table = warehouse.iceberg(UncurlTable.LOGITS);
        var overwrite = table.newOverwrite().overwriteByRowFilter(rowsOf(key));
        written.forEach(overwrite::addFile);
        overwrite.set("uncurl.dump", key.toString());
        overwrite.commit();
        new Leftovers(warehouse).remove(UncurlTable.LOGITS, written, name -> FILE_OF_A_DUMP
                .matcher(name)
                .matches());
    }

    /** Sums by layer of rows of routing.logits, read where they lie; the driver holds one sum per layer. */
    public Map<Integer, RoutingSums> sums(Dataset<Row> logits, String what, long rows) {
        LongAccumulator done = warehouse.context().sc().longAccumulator();
        var sums = new TreeMap<Integer, RoutingSums>();
        SparkWork.forEachPartition(
                logits.select(
                                "layer",
                                "position",
                                "sequence_length",
                                "token_id",
                                "previous_expert",
                                "experts",
                                "gates",
                                "output_norms",
                                "logits",
                                "sequence_id")
                        .queryExecution()
                        .toRdd(),
                (SparkWork.PartitionWork<InternalRow, Map<Integer, RoutingSums>>) part -> sum(part, done),
                part -> merge(sums, part),
                done,
                new Progress(what, "rows", rows));
        return sums;
    }

    /** The rows of this dump. */
    Dataset<Row> logits(RoutingKey key) {
        return warehouse.rows(UncurlTable.LOGITS, key.partition());
    }

    static void merge(Map<Integer, RoutingSums> all, Map<Integer, RoutingSums> part) {
        part.forEach((layer, sums) -> all.merge(layer, sums, (one, other) -> {
            one.merge(other);
            return one;
        }));
    }

    private static Map<Integer, RoutingSums> sum(Iterator<InternalRow> rows, LongAccumulator done) {
        var sums = new TreeMap<Integer, RoutingSums>();
        while (rows.hasNext()) {
            InternalRow row = rows.next();
            RoutedToken token = token(row);
            try {
                sums.computeIfAbsent(row.getInt(0), layer -> new RoutingSums(token.logits().length))
                        .add(token);
            } catch (UserError refusal) {
                throw refusal.at("Layer " + row.getInt(0) + ", sequence " + row.getLong(9) + ", position "
                        + row.getInt(1) + " of routing.logits");
            }
            done.add(1);
        }
        return sums;
    }

    private static RoutedToken token(InternalRow row) {
        return new RoutedToken(
                row.getInt(3),
                row.getInt(1),
                row.getInt(2),
                row.isNullAt(4) ? -1 : row.getInt(4),
                row.getArray(5).toIntArray(),
                row.getArray(6).toFloatArray(),
                row.getArray(7).toFloatArray(),
                row.getArray(8).toFloatArray());
    }

    /** Writes routing.expert_statistics, then routing.gram, each in one commit. */
    void writeSums(RoutingKey key, Map<Integer, RoutingSums> layers) {
        put(UncurlTable.EXPERT_STATISTICS, statistics(key, layers), key);
        put(UncurlTable.GRAM, grams(key, layers), key);
    }

    private void put(UncurlTable table, List<Row> rows, RoutingKey key) {
        Dataset<Row> data =
                warehouse.spark().createDataFrame(rows, warehouse.table(table).schema());
        warehouse.replace(table, data, key.partition());
    }

    /** Rows of routing.gram. */
    static List<Row> grams(RoutingKey key, Map<Integer, RoutingSums> layers) {
        var rows = new ArrayList<Row>();
        layers.forEach((layer, sums) -> rows.add(row(key, layer, sums.gram(), sums.sequences())));
        return rows;
    }

    /** Writes routing.output_gram in one commit. */
    void writeOutputs(RoutingKey key, Map<Integer, OutputSums> layers) {
        var rows = new ArrayList<Row>();
        layers.forEach((layer, sums) -> rows.add(row(key, layer, sums.gram(), sums.sequences())));
        put(UncurlTable.OUTPUT_GRAM, rows, key);
    }

    private static Row row(RoutingKey key, int layer, RouterGram gram, long sequences) {
        return RowFactory.create(
                key.modelId(),
                key.task(),
                key.split(),
                layer,
                gram.experts(),
                gram.tokens(),
                sequences,
                Arrays.stream(gram.gram()).boxed().toArray(Double[]::new),
                key.manifestSha256(),
                key.data(),
                key.sample());
    }

    /** Rows of routing.expert_statistics. */
    static List<Row> statistics(RoutingKey key, Map<Integer, RoutingSums> layers) {
        var rows = new ArrayList<Row>();
        layers.forEach((layer, sums) -> sums.rows().forEach(expert -> {
            ExpertStatistics.Row row = expert.statistics();
            rows.add(RowFactory.create(
                    key.modelId(),
                    key.task(),
                    key.split(),
                    layer,
                    row.expert(),
                    row.tokens(),
                    row.fraction(),
                    row.gateMass(),
                    row.meanProbability(),
                    row.meanLogit(),
                    row.outputNorm(),
                    row.contribution(),
                    expert.probabilityDeviation(),
                    expert.frequentTokens(),
                    expert.thirdTokens()[0],
                    expert.thirdTokens()[1],
                    expert.thirdTokens()[2],
                    expert.repeatedTokens()));
        }));
        return rows;
    }
}
