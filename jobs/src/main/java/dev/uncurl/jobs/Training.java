package dev.uncurl.jobs;

import dev.uncurl.checkpoint.Lineage;
import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.config.ModelConfig;
import dev.uncurl.config.TrainConfig;
import dev.uncurl.dl4j.FusedAdamW;
import dev.uncurl.dl4j.SmoeNetwork;
import dev.uncurl.model.TokenBatch;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import org.apache.spark.sql.Row;
import org.apache.spark.util.CollectionAccumulator;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.spark.impl.multilayer.SparkDl4jMultiLayer;

/**
 * Trains a model through Deeplearning4j on Spark: in each round every rank takes some steps on its own batches, then
 * parameters and optimiser state are averaged. The result depends on configuration, data and number of ranks alone.
 */
final class Training {
    private final Warehouse warehouse;

    Training(Warehouse warehouse) {
        this.warehouse = warehouse;
    }

    /**
     * Trains, publishes the folder, writes training.metrics, and last the row of models.registry.
     *
     * @param initial parameters to start from
     * @param batches in the order of training: of each round first those of rank 0, then those of rank 1, ...
     */
    ModelFolder run(
            String modelId,
            ModelConfig model,
            TrainConfig train,
            float[] initial,
            Iterator<TokenBatch> batches,
            Lineage lineage) {
        warehouse.describe("train " + modelId);
        int rounds = train.rounds(model.sequenceLength());
        var optimizer = optimizer(train, rounds * train.averagingFrequency());
        CollectionAccumulator<StepMetrics> metrics =
                warehouse.spark().sparkContext().collectionAccumulator("training metrics of " + modelId);
        var master = new RankOrderedAveraging(
                train.ranks(),
                train.batch(),
                train.averagingFrequency(),
                new MetricsHook(metrics, model, train.averagingFrequency()));
        MultiLayerNetwork network = SmoeNetwork.create(model, optimizer, initial);
        var spark = new SparkDl4jMultiLayer(warehouse.context(), network, master);
        var history = train(spark, rounds, model, train, batches, metrics, "train " + modelId);
        float[] trained = SmoeNetwork.parameters(spark.getNetwork());
        try {
            ModelFolder folder =
                    ModelFolder.write(warehouse.files(), warehouse.modelFolder(modelId), model, trained, lineage);
            writeMetrics(modelId, model, history);
            new Models(warehouse).register(modelId, folder);
            System.out.printf(
                    Locale.ROOT,
                    "Model %s: %,d parameters, trained on %,d tokens in %d steps, loss %.3f -> %.3f%n",
                    modelId,
                    trained.length,
                    history.get(history.size() - 1).tokens(),
                    history.get(history.size() - 1).steps(),
                    history.get(0).loss(),
                    history.get(history.size() - 1).loss());
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private List<TrainingRound> train(
            SparkDl4jMultiLayer spark,
            int rounds,
            ModelConfig model,
            TrainConfig train,
            Iterator<TokenBatch> batches,
            CollectionAccumulator<StepMetrics> metrics,
            String what) {
        var history = new ArrayList<TrainingRound>();
        var progress = new Progress(what, "rounds", rounds);
        long tokens = 0;
        for (int round = 1; round <= rounds; round++) {
            var data = new ArrayList<TokenBatch>();
            for (int i = 0; i < train.ranks() * train.averagingFrequency(); i++) {
                data.add(batches.next());
            }
            metrics.reset();
            long start = System.nanoTime();
            spark.fit(warehouse.context().parallelize(data, train.ranks()).map(SmoeNetwork::dataSet));
            double seconds = (System.nanoTime() - start) / 1e9;
            List<StepMetrics> steps = List.copyOf(metrics.value());
            tokens += steps.stream().mapToLong(StepMetrics::predicted).sum();
            var done = new TrainingRound(round * train.averagingFrequency(), tokens, seconds, steps);
            refuseNaN(done, what);
            history.add(done);
            progress.at(round, String.format(Locale.ROOT, "loss %.3f", done.loss()));
        }
        TrainingRound last = history.get(history.size() - 1);
        double seconds = history.stream().mapToDouble(TrainingRound::seconds).sum();
        progress.done(String.format(
                Locale.ROOT,
                "%,d tokens, %,.0f tokens/s, loss %.3f -> %.3f",
                tokens,
                tokens / seconds,
                history.get(0).loss(),
                last.loss()));
        return history;
    }

    private static void refuseNaN(TrainingRound round, String what) {
        if (!Double.isFinite(round.loss())) {
            throw dev.uncurl.error.Refusal.input(
                    what + ": the loss is " + round.loss() + " after " + round.steps() + " steps",
                    "Nothing was written. Lower train.learning-rate or raise train.warmup.");
        }
    }

    private static FusedAdamW optimizer(TrainConfig train, int steps) {
        return new FusedAdamW(train.learningRate())
                .withSchedule((int) Math.round(train.warmup() * steps), steps, train.minimumLearningRate())
                .withBetas(train.beta1(), train.beta2())
                .withEpsilon(train.epsilon())
                .withWeightDecay(train.weightDecay())
                .withMaximumGradientNorm(train.clip());
    }

    private void writeMetrics(String modelId, ModelConfig model, List<TrainingRound> history) {
        List<Row> rows =
                history.stream().map(round -> round.toRow(modelId, model)).toList();
        var schema = warehouse.table(Tables.METRICS).schema();
        warehouse.replace(Tables.METRICS, warehouse.spark().createDataFrame(rows, schema), "run_id", modelId);
    }
}
