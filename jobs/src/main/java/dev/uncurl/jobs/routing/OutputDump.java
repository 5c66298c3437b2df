package dev.uncurl.jobs.routing;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.jobs.spark.Progress;
import dev.uncurl.jobs.spark.SparkWork;
import dev.uncurl.jobs.warehouse.CorpusRun;
import dev.uncurl.jobs.warehouse.ModelCache;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.SmoeLanguageModel;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.routing.OutputSums;
import java.util.Iterator;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.Row;
import org.apache.spark.util.LongAccumulator;

/**
 * Runs every expert of a model on a sample of a task's tokens and writes the inner products of the experts' mean outputs:
 * routing.output_gram. The driver keeps one sum of outputs per expert, L x E x D numbers.
 */
final class OutputDump {
    private final Warehouse warehouse;
    private final RoutingTables tables;
    private final int tasks;

    OutputDump(Warehouse warehouse) {
        this(warehouse, warehouse.context().defaultParallelism());
    }

    /** @param tasks number of Spark tasks; does not affect the sums */
    OutputDump(Warehouse warehouse, int tasks) {
        this.warehouse = warehouse;
        this.tasks = tasks;
        tables = new RoutingTables(warehouse);
    }

    /**
     * Writes the rows in one commit, unless they exist.
     *
     * @param sample tokens of the sample, as in {@link DumpSequences#of} and in the key
     * @return false if the rows existed
     */
    boolean dump(RoutingKey key, ModelFolder model, CorpusRun run, long sample) {
        if (tables.isComplete(UncurlTable.OUTPUT_GRAM, key)) {
            return false;
        }
        ModelConfig config = model.config();
        DumpSequences inputs = DumpSequences.of(
                warehouse, key.task(), key.split(), config.sequenceLength(), run.sequenceLength(), sample);
        System.out.printf(
                Locale.ROOT,
                "About to run all %d experts of %d layers on %,d tokens of %,d sequences%n",
                config.moe().experts(),
                config.moeLayers().length,
                inputs.tokens(),
                inputs.sequences());
        warehouse.describe("run all experts of " + key);
        tables.writeOutputs(key, sum(model, inputs));
        return true;
    }

    Map<Integer, OutputSums> sum(ModelFolder model, DumpSequences inputs) {
        LongAccumulator done = warehouse.context().sc().longAccumulator();
        var chunking = RoutingWindows.Chunking.of(inputs, model.config());
        var sums = new TreeMap<Integer, OutputSums>();
        SparkWork.forEachPartition(
                RoutingDump.sequences(warehouse, inputs, chunking, tasks),
                new TaskSpec(ModelCache.Reference.of(warehouse, model), chunking, done),
                part -> part.forEach((layer, outputs) -> sums.merge(layer, outputs, (one, other) -> {
                    one.merge(other);
                    return one;
                })),
                done,
                new Progress("outputs", "tokens", inputs.tokens()));
        return sums;
    }

    /** The input of every Spark task; {@code done} counts tokens. */
    private record TaskSpec(ModelCache.Reference model, RoutingWindows.Chunking chunking, LongAccumulator done)
            implements SparkWork.PartitionWork<Row, Map<Integer, OutputSums>> {
        @Override
        public Map<Integer, OutputSums> of(Iterator<Row> rows) {
            ModelCache.Loaded loaded = model.load();
            ModelConfig config = loaded.config();
            var sums = new TreeMap<Integer, OutputSums>();
            for (int layer : config.moeLayers()) {
                sums.put(layer, new OutputSums(config.moe().layer(layer).routerRows(), config.width()));
            }
            int most = RoutingWindows.BATCH * config.sequenceLength();
            try (var language = SmoeLanguageModel.forScoring(config, loaded.parameters(), most)) {
                var windows = new RoutingWindows(rows, chunking);
                while (windows.hasNext()) {
                    for (var batch : RoutingWindows.batches(windows.next())) {
                        language.forward(RoutingWindows.tokens(batch), (layer, expert, sum) -> sums.get(layer)
                                .add(expert, sum));
                        long tokens = batch.stream()
                                .mapToLong(sequence -> sequence.tokens().length)
                                .sum();
                        sums.values().forEach(outputs -> outputs.addTokens(tokens, batch.size()));
                        done.add(tokens);
                    }
                }
            }
            return sums;
        }
    }
}
