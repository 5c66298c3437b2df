package dev.uncurl.jobs.routing;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.spark.Progress;
import dev.uncurl.jobs.spark.SparkWork;
import dev.uncurl.jobs.warehouse.Leftovers;
import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.ExpertStatisticsRow;
import dev.uncurl.jobs.warehouse.row.GramRow;
import dev.uncurl.jobs.warehouse.row.RecordMapper;
import dev.uncurl.routing.ExpertStatistics;
import dev.uncurl.routing.OutputSums;
import dev.uncurl.routing.RoutedToken;
import dev.uncurl.routing.RouterGram;
import dev.uncurl.routing.RoutingSums;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.LongAccumulator;

/**
 * The tables of a dump: routing.logits, and what follows from its rows, routing.expert_statistics and routing.gram.
 * They are committed in this order; a dump is complete when its Gram matrices are there. Beside them routing.output_gram,
 * which a pass of its own fills.
 */
final class RoutingTables {
    /** The names that {@link RoutingPass} gives to data files. */
    private static final Pattern FILE_OF_A_DUMP = Pattern.compile("[0-9a-f]{12}-\\d+-[0-9a-f-]{36}\\.parquet");

    private final Warehouse warehouse;

    public RoutingTables(Warehouse warehouse) {
        this.warehouse = warehouse;
    }

    /**
     * Whether this dump is complete.
     *
     * @param gram the table that it writes last: routing.gram, or routing.output_gram for a dump of outputs
     */
    boolean isComplete(UncurlTable gram, RoutingKey key) {
        List<RoutingKey> keys = Records.read(warehouse.rows(gram, key.partition()), RoutingKey.class);
        return !keys.isEmpty() && keys.stream().allMatch(key::equals);
    }

    /** Whether routing.logits has the rows of this dump: the names of its files begin with the dump's id. */
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

    /** Replaces the files of the model's earlier dump of this task and split by the new ones, in one commit. */
    void commitLogits(RoutingKey key, List<DataFile> written) {
        warehouse.replaceFiles(UncurlTable.LOGITS, written, rowsOf(key), "uncurl.dump", key.toString());
        new Leftovers(warehouse).remove(UncurlTable.LOGITS, written, name -> FILE_OF_A_DUMP
                .matcher(name)
                .matches());
    }

    /** The sums of rows of routing.logits by layer. Executors read and add up the rows; the driver gets one sum per layer. */
    public Map<Integer, RoutingSums> sums(Dataset<Row> logits, String what, long rows) {
        LongAccumulator done = warehouse.context().sc().longAccumulator();
        var sums = new TreeMap<Integer, RoutingSums>();
        Dataset<Row> selected = logits.select(Records.columns(Routed.class));
        StructType schema = selected.schema();
        SparkWork.forEachPartition(
                selected.queryExecution().toRdd(),
                (SparkWork.PartitionWork<InternalRow, Map<Integer, RoutingSums>>)
                        part -> sum(part, RecordMapper.reader(Routed.class, schema, "routing.logits"), done),
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

    private static Map<Integer, RoutingSums> sum(
            Iterator<InternalRow> rows, RecordMapper<Routed> mapper, LongAccumulator done) {
        var sums = new TreeMap<Integer, RoutingSums>();
        while (rows.hasNext()) {
            Routed row = mapper.fromInternal(rows.next());
            try {
                sums.computeIfAbsent(row.layer, layer -> new RoutingSums(row.logits.length))
                        .add(row.token());
            } catch (UserError userError) {
                throw userError.at("Layer " + row.layer + ", sequence " + row.sequenceId + ", position " + row.position
                        + " of routing.logits");
            }
            done.add(1);
        }
        return sums;
    }

    /** The columns of routing.logits that the sums need. */
    private record Routed(
            int layer,
            long sequenceId,
            int position,
            int sequenceLength,
            int tokenId,
            Optional<Integer> previousExpert,
            int[] experts,
            float[] gates,
            float[] outputNorms,
            float[] logits) {
        RoutedToken token() {
            return new RoutedToken(
                    tokenId, position, sequenceLength, previousExpert.orElse(-1), experts, gates, outputNorms, logits);
        }
    }

    /** Writes routing.expert_statistics, then routing.gram, each in one commit. */
    void writeSums(RoutingKey key, Map<Integer, RoutingSums> layers) {
        Records.replace(warehouse, UncurlTable.EXPERT_STATISTICS, statistics(key, layers), key.partition());
        Records.replace(warehouse, UncurlTable.GRAM, grams(key, layers), key.partition());
    }

    /** Rows of routing.gram. */
    static List<GramRow> grams(RoutingKey key, Map<Integer, RoutingSums> layers) {
        var rows = new ArrayList<GramRow>();
        layers.forEach((layer, sums) -> rows.add(row(key, layer, sums.gram(), sums.sequences())));
        return rows;
    }

    /** Writes routing.output_gram in one commit. */
    void writeOutputs(RoutingKey key, Map<Integer, OutputSums> layers) {
        var rows = new ArrayList<GramRow>();
        layers.forEach((layer, sums) -> rows.add(row(key, layer, sums.gram(), sums.sequences())));
        Records.replace(warehouse, UncurlTable.OUTPUT_GRAM, rows, key.partition());
    }

    private static GramRow row(RoutingKey key, int layer, RouterGram gram, long sequences) {
        return new GramRow(
                key.modelId(),
                key.task(),
                key.split(),
                layer,
                gram.experts(),
                gram.tokens(),
                sequences,
                gram.gram(),
                key.manifestSha256(),
                key.data(),
                key.sample());
    }

    /** Rows of routing.expert_statistics. */
    static List<ExpertStatisticsRow> statistics(RoutingKey key, Map<Integer, RoutingSums> layers) {
        var rows = new ArrayList<ExpertStatisticsRow>();
        layers.forEach((layer, sums) -> sums.rows().forEach(expert -> {
            ExpertStatistics.Row row = expert.statistics();
            rows.add(new ExpertStatisticsRow(
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
