package dev.uncurl.jobs.routing;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.floor;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.spark.GpuStage;
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
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.spark.source.SerializableTableWithSize;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.Row;
import org.apache.spark.util.LongAccumulator;

/**
 * Runs a model over the sequences of a task and writes the routing of each token (routing.logits, one row per token and
 * MoE layer) and the sums of these rows. Executors write the data files; the driver receives the names of the files and
 * one sum per layer.
 */
final class RoutingDump {
    /** Bytes of a data file: a larger dump has more Spark tasks, and so more files. */
    private static final long FILE_BYTES = 64 << 20;

    /** Tokens that an expert should get on average; see {@link #tokensNeeded}. */
    private static final long TOKENS_PER_EXPERT = 1000;

    private final Warehouse warehouse;
    private final RoutingTables tables;
    private final int tasks;
    private final int expertParallel;

    RoutingDump(Warehouse warehouse) {
        this(warehouse, warehouse.context().defaultParallelism());
    }

    /** @param tasks smallest number of Spark tasks; does not affect the rows */
    RoutingDump(Warehouse warehouse, int tasks) {
        this(warehouse, tasks, 1);
    }

    /** @param expertParallel ranks that divide the experts of the model, whatever the tasks; 1: each task has the whole model */
    RoutingDump(Warehouse warehouse, int tasks, int expertParallel) {
        this.warehouse = warehouse;
        this.tasks = tasks;
        this.expertParallel = expertParallel;
        tables = new RoutingTables(warehouse);
    }

    /**
     * Makes the dump, or the part of it that does not exist.
     *
     * @return false if all of it existed
     */
    boolean dump(RoutingKey key, ModelFolder model, CorpusRun run, long sample) {
        if (tables.isComplete(UncurlTable.GRAM, key)) {
            return false;
        }
        if (tables.hasLogits(key)) { // the process ended after the first commit
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
                    "%,d of the sequences are longer than the context of %d tokens: only their last tokens are used%n",
                    inputs.cut(),
                    config.sequenceLength());
        }
        requireRoom(bytes, free);
        long needed = tokensNeeded(config);
        if (inputs.tokens() < needed) {
            System.out.printf(
                    Locale.ROOT,
                    "Warning: %,d tokens are few for %d experts: %,d are needed to measure each expert's share to 3%%%n",
                    inputs.tokens(),
                    mostRows(config),
                    needed);
        }
    }

    /** Upper bound of the bytes on disk of the rows of {@code tokens}: floats hardly compress, the other columns do. */
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
     * The number of tokens that reliable statistics of experts need: a share of 1/E, estimated from N tokens with k
     * choices each, has the relative standard error sqrt(E / (k N)). For N = 1000 E / k it is 1/sqrt(1000), about 3%.
     */
    static long tokensNeeded(ModelConfig config) {
        return TOKENS_PER_EXPERT * mostRows(config) / config.moe().topK();
    }

    /** The largest number of router rows of a block that can be chosen. */
    private static int mostRows(ModelConfig config) {
        return IntStream.of(config.moeLayers())
                .map(layer -> config.moe().layer(layer).choosableRows())
                .max()
                .orElse(0);
    }

    /** @throws UserError (input) unless {@code free} exceeds {@code bytes} by a quarter */
    static void requireRoom(long bytes, long free) {
        if (free < bytes + bytes / 4) {
            throw UserError.input(
                    String.format(
                            Locale.ROOT,
                            "The dump may take %,d bytes; the file system of the warehouse has %,d free",
                            bytes,
                            free),
                    "Free disk space, or dump a sample with --tokens.");
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
        Consumer<RoutingPass.Result> taker = result -> {
            files.addAll(result.files());
            RoutingTables.merge(sums, result.sums());
        };
        var progress = new Progress("dump", "tokens", inputs.tokens());
        if (expertParallel == 1) {
            int partitions = tasks(inputs, model.config());
            RDD<Row> rows = GpuStage.of(sequences(warehouse, inputs, chunking, partitions));
            SparkWork.forEachPartition(rows, spec, taker, done, progress);
        } else {
            var ranks = new DumpRanks(warehouse, model, inputs, expertParallel);
            ranks.run(division -> new RoutingPass.DividedSpec(spec, division), taker, done, progress);
        }
        tables.commitLogits(key, List.copyOf(files));
        return sums;
    }

    private int tasks(DumpSequences inputs, ModelConfig config) {
        long files = bytes(inputs.tokens(), config) / Math.max(1, config.moeLayers().length) / FILE_BYTES;
        return (int) Math.max(tasks, Math.min(files, Short.MAX_VALUE));
    }

    /** The rows in the order of ids, in {@code partitions} partitions of whole chunks. */
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
