package dev.uncurl.jobs.routing;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.floor;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.spark.Progress;
import dev.uncurl.jobs.spark.SparkWork;
import dev.uncurl.jobs.warehouse.CorpusRun;
import dev.uncurl.jobs.warehouse.ModelCache;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.routing.RoutingSums;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.spark.source.SerializableTableWithSize;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.Row;
import org.apache.spark.util.LongAccumulator;

/**
 * Runs a model over the sequences of a task and writes what its routers did: routing.logits, one row per token and MoE
 * layer, and its sums. Executors write the data files; the driver gets their names and one sum per layer.
 */
final class RoutingDump {
    /** Bytes of a data file that are worth a task of their own. */
    private static final long FILE_BYTES = 64 << 20;

    /** Tokens that an expert should see on average; see {@link #tokensNeeded}. */
    private static final long TOKENS_PER_EXPERT = 1000;

    private final Warehouse warehouse;
    private final RoutingTables tables;
    private final int tasks;

    RoutingDump(Warehouse warehouse) {
        this(warehouse, warehouse.context().defaultParallelism());
    }

    /** @param tasks Spark tasks at least; the rows do not depend on it */
    RoutingDump(Warehouse warehouse, int tasks) {
        this.warehouse = warehouse;
        this.tasks = tasks;
        tables = new RoutingTables(warehouse);
    }

    /**
     * Makes the dump, or what is missing of it.
     *
     * @return false when all was there
     */
    boolean dump(RoutingKey key, ModelFolder model, CorpusRun run, long sample) {
        if (tables.isComplete(UncurlTable.GRAM, key)) {
            return false;
        }
        if (tables.hasLogits(key)) { // killed after the first of its commits
            warehouse.describe("sum router logits of " + key);
            tables.writeSums(
                    key,
                    tables.sums(tables.logits(key), "sum", tables.logits(key).count()));
            return true;
        }
        DumpSequences inputs = DumpSequences.of(
                warehouse, key.task(), key.split(), model.config().sequenceLength(), run.sequenceLength(), sample);
        announce(inputs, model.config());
        warehouse.describe("dump router logits of " + key);
        tables.writeSums(key, write(key, model, inputs));
        return true;
    }

    private void announce(DumpSequences inputs, ModelConfig config) {
        long rows = inputs.tokens() * config.moeLayers().length;
        long bytes = bytes(inputs.tokens(), config);
        long free = warehouse.freeBytes();
        System.out.printf(
                Locale.ROOT,
                "About to write %,d rows (%,d tokens of %,d sequences), %,.1f MB; %,.1f GB are free%n",
                rows,
                inputs.tokens(),
                inputs.sequences(),
                bytes / 1e6,
                free / 1e9);
        if (inputs.cut() > 0) {
            System.out.printf(
                    Locale.ROOT,
                    "Of the sequences, %,d are longer than the context of %d tokens: only their end is run%n",
                    inputs.cut(),
                    config.sequenceLength());
        }
        requireRoom(bytes, free);
        long needed = tokensNeeded(config);
        if (inputs.tokens() < needed) {
            System.out.printf(
                    Locale.ROOT,
                    "Warning: %,d tokens are few for %d experts: with %,d each expert's share is known to 3%%%n",
                    inputs.tokens(),
                    mostRows(config),
                    needed);
        }
    }

    /** What the rows of so many tokens take on disk, from above: floats hardly compress, the rest does. */
    static long bytes(long tokens, ModelConfig config) {
        long perToken = 0;
        for (int layer : config.moeLayers()) {
            perToken += 4L * config.moe().layer(layer).routerRows()
                    + 9L * config.moe().choices(layer)
                    + 8;
        }
        return tokens * perToken;
    }

    /**
     * Tokens from which on statistics of experts can be trusted: a share of 1/E, taken from N tokens with k choices each,
     * has the relative standard error sqrt(E / (k N)), which is 1/sqrt(1000), about 3%, at N = 1000 E / k.
     */
    static long tokensNeeded(ModelConfig config) {
        return TOKENS_PER_EXPERT * mostRows(config) / config.moe().topK();
    }

    /** The most experts of a block to choose from, router rows where it is mapped. */
    private static int mostRows(ModelConfig config) {
        return IntStream.of(config.moeLayers())
                .map(layer -> config.moe().layer(layer).liveRows())
                .max()
                .orElse(0);
    }

    /** @throws UserError (input) when there is not a quarter more room than needed */
    static void requireRoom(long bytes, long free) {
        if (free < bytes + bytes / 4) {
            throw UserError.input(
                    String.format(
                            Locale.ROOT,
                            "The dump may take %,d bytes, and %,d are free on the file system of the warehouse",
                            bytes,
                            free),
                    "Make room, or dump a sample with --tokens.");
        }
    }

    Map<Integer, RoutingSums> write(RoutingKey key, ModelFolder model, DumpSequences inputs) {
        LongAccumulator done = warehouse.context().sc().longAccumulator();
        var chunking = RoutingWindows.Chunking.of(inputs, model.config());
        var spec = new RoutingPass.TaskSpec(
                key,
                ModelCache.Reference.of(warehouse, model),
                SerializableTableWithSize.copyOf(warehouse.iceberg(UncurlTable.LOGITS)),
                chunking,
                done);
        var files = new ArrayList<DataFile>();
        var sums = new TreeMap<Integer, RoutingSums>();
        SparkWork.forEachPartition(
                sequences(warehouse, inputs, chunking, tasks(inputs, model.config())),
                spec,
                result -> {
                    files.addAll(result.files());
                    RoutingTables.merge(sums, result.sums());
                },
                done,
                new Progress("dump", "tokens", inputs.tokens()));
        tables.commitLogits(key, List.copyOf(files));
        return sums;
    }

    private int tasks(DumpSequences inputs, ModelConfig config) {
        long files = bytes(inputs.tokens(), config) / Math.max(1, config.moeLayers().length) / FILE_BYTES;
        return (int) Math.max(tasks, Math.min(files, Short.MAX_VALUE));
    }

    /** Whole chunks in the order of ids, in so many partitions. */
    static RDD<Row> sequences(
            Warehouse warehouse, DumpSequences inputs, RoutingWindows.Chunking chunking, int partitions) {
        return inputs.rows()
                .withColumn("chunk", floor(col("sequence_id").divide(chunking.span())))
                .repartitionByRange(partitions, col("chunk"))
                .sortWithinPartitions("sequence_id")
                .drop("chunk")
                .toJavaRDD()
                .rdd();
    }
}
