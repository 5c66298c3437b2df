package dev.uncurl.jobs.routing;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.collective.Collectives;
import dev.uncurl.jobs.cluster.RankStage;
import dev.uncurl.jobs.cluster.TaskProcessor;
import dev.uncurl.jobs.spark.GpuStage;
import dev.uncurl.jobs.spark.Progress;
import dev.uncurl.jobs.spark.SparkWork;
import dev.uncurl.jobs.warehouse.CorpusRun;
import dev.uncurl.jobs.warehouse.DividedModel;
import dev.uncurl.jobs.warehouse.ModelCache;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.OnProcessor;
import dev.uncurl.model.SmoeLanguageModel;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.routing.OutputSums;
import java.io.IOException;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.apache.spark.rdd.RDD;
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
    private final int expertParallel;

    OutputDump(Warehouse warehouse) {
        this(warehouse, warehouse.context().defaultParallelism());
    }

    /** @param tasks number of Spark tasks; does not affect the sums */
    OutputDump(Warehouse warehouse, int tasks) {
        this(warehouse, tasks, 1);
    }

    /** @param expertParallel ranks that divide the experts of the model, whatever the tasks; 1: each task has the whole model */
    OutputDump(Warehouse warehouse, int tasks, int expertParallel) {
        this.warehouse = warehouse;
        this.tasks = tasks;
        this.expertParallel = expertParallel;
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
        Consumer<Map<Integer, OutputSums>> taker =
                part -> part.forEach((layer, outputs) -> sums.merge(layer, outputs, (one, other) -> {
                    one.merge(other);
                    return one;
                }));
        var spec = new TaskSpec(ModelCache.Reference.of(warehouse, model), chunking, done);
        var progress = new Progress("outputs", "tokens", inputs.tokens());
        if (expertParallel == 1) {
            RDD<Row> rows = GpuStage.of(RoutingDump.sequences(warehouse, inputs, chunking, tasks));
            SparkWork.forEachPartition(rows, spec, taker, done, progress);
        } else {
            new DumpRanks(warehouse, model, inputs, expertParallel)
                    .run(division -> new DividedSpec(spec, division), taker, done, progress);
        }
        return sums;
    }

    /** The input of every Spark task; {@code done} counts tokens. */
    private record TaskSpec(ModelCache.Reference model, RoutingWindows.Chunking chunking, LongAccumulator done)
            implements SparkWork.PartitionWork<Row, Map<Integer, OutputSums>> {
        @Override
        public Map<Integer, OutputSums> of(Iterator<Row> rows) {
            ModelCache.Loaded loaded = model.load();
            int most = RoutingWindows.BATCH * loaded.config().sequenceLength();
            try (var processor = TaskProcessor.open();
                    var language = OnProcessor.forScoring(processor, loaded.config(), loaded.parameters(), most)) {
                return sums(language, new RoutingWindows(rows, chunking));
            }
        }

        Map<Integer, OutputSums> sums(SmoeLanguageModel language, Iterator<List<RoutingWindows.Sequence>> windows) {
            ModelConfig config = language.config();
            var sums = new TreeMap<Integer, OutputSums>();
            for (int layer : config.moeLayers()) {
                sums.put(layer, new OutputSums(config.moe().layer(layer).routerRows(), config.width()));
            }
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
            return sums;
        }
    }

    /** A rank of those that divide the experts of the model. */
    private record DividedSpec(TaskSpec task, DividedModel.Division division)
            implements RankStage.Work<Row, List<RoutingWindows.Sequence>, Map<Integer, OutputSums>> {
        @Override
        public Iterator<List<RoutingWindows.Sequence>> units(Iterator<Row> rows) {
            return new RoutingWindows(rows, task.chunking);
        }

        @Override
        public Map<Integer, OutputSums> run(Collectives ranks, Iterator<List<RoutingWindows.Sequence>> windows)
                throws IOException {
            try (var divided = division.load(ranks, RoutingWindows.BATCH)) {
                Map<Integer, OutputSums> sums = task.sums(divided.model(), windows);
                divided.model().joinPasses();
                return sums;
            }
        }
    }
}
