package dev.uncurl.jobs.train;

import dev.uncurl.checkpoint.Lineage;
import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.config.TrainConfig;
import dev.uncurl.dl4j.FusedAdamW;
import dev.uncurl.dl4j.SmoeNetwork;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.output.Digits;
import dev.uncurl.jobs.spark.Progress;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.MetricsRow;
import dev.uncurl.model.Weights;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.spark.util.CollectionAccumulator;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.spark.impl.multilayer.SparkDl4jMultiLayer;

/**
 * Trains a model with Deeplearning4j on Spark. In each round, every rank takes some steps on its own batches; then
 * parameters and optimiser state are averaged. The result depends only on the configuration, the data and the number of
 * ranks: a killed run resumes from its newest checkpoint and gives the same bits.
 */
final class Training {
    private final Warehouse warehouse;
    private final String modelId;
    private final ModelConfig model;
    private final TrainConfig train;
    private final Lineage lineage;
    private final Checkpoints checkpoints;
    private final String what;

    /** @param lineage lineage of the model; only a checkpoint with the same inputs is resumed */
    Training(Warehouse warehouse, String modelId, ModelConfig model, TrainConfig train, Lineage lineage) {
        this.warehouse = warehouse;
        this.modelId = modelId;
        this.model = model;
        this.train = train;
        this.lineage = lineage;
        this.checkpoints = new Checkpoints(warehouse, modelId, train.checkpoint());
        this.what = "train " + modelId;
    }

    /**
     * Trains, writes training.metrics, publishes the folder, then writes the row of models.registry, and last removes
     * the checkpoints.
     *
     * @param initial initial parameters, used if there is no checkpoint
     * @param data training data; in each round the first batches are for rank 0, the next for rank 1, ...
     * @param validation computes the validation loss between rounds
     */
    ModelFolder run(Weights initial, TrainingData data, Validation validation) throws IOException {
        warehouse.describe(what);
        Optional<Checkpoints.State> saved = checkpoints.resume(lineage.inputs());
        MultiLayerNetwork network = SmoeNetwork.create(
                model, optimizer(), saved.map(Checkpoints.State::parameters).orElse(initial), train.microBatch());
        var history = new ArrayList<TrainingRound>();
        if (saved.isPresent()) {
            Checkpoints.State state = saved.get();
            SmoeNetwork.resume(
                    network, state.first(), state.second(), state.last().step());
            history.addAll(state.history());
        }
        data.startAt(saved.map(Checkpoints.State::sequences).orElse(0L));
        train(network, history, data, validation);
        Weights trained = SmoeNetwork.parameters(network);
        requireFinite(trained);
        writeMetrics(history); // before the folder: once it exists, a restarted run does nothing more
        ModelFolder folder =
                ModelFolder.write(warehouse.files(), warehouse.modelFolder(modelId), model, trained, lineage);
        new Models(warehouse).register(modelId, folder);
        checkpoints.finish();
        TrainingRound last = history.get(history.size() - 1);
        System.out.printf(
                Locale.ROOT,
                "Model %s: %,d parameters, trained on %,d tokens in %d steps, loss %s -> %s%n",
                modelId,
                network.numParams(),
                last.tokens(),
                last.step(),
                Digits.fixed(history.get(0).loss(), 3),
                Digits.fixed(last.loss(), 3));
        return folder;
    }

    private int rounds() {
        return train.rounds(model.sequenceLength());
    }

    /** Runs the remaining rounds, and adds them to the history. */
    private void train(MultiLayerNetwork network, List<TrainingRound> history, TrainingData data, Validation validation)
            throws IOException {
        CollectionAccumulator<StepMetrics> metrics =
                warehouse.spark().sparkContext().collectionAccumulator("training metrics of " + modelId);
        var master = new RankOrderedAveraging(train.ranks(), train.batch(), train.averagingFrequency(), metrics);
        var spark = new SparkDl4jMultiLayer(warehouse.context(), network, master);
        var guard = new LossGuard(what, train);
        var progress = new Progress(what, "rounds", rounds(), history.size());
        for (int round = history.size() + 1; round <= rounds(); round++) {
            int before = (round - 1) * train.averagingFrequency();
            int after = round * train.averagingFrequency();
            List<TrainingData.Batch> batches = batches(data);
            metrics.reset();
            long start = System.nanoTime();
            spark.fit(warehouse
                    .context()
                    .parallelize(
                            batches.stream().map(TrainingData.Batch::tokens).toList(), train.ranks())
                    .map(SmoeNetwork::dataSet));
            double seconds = (System.nanoTime() - start) / 1e9;
            List<StepMetrics> steps = List.copyOf(metrics.value());
            guard.check(history, steps, batches, checkpoints.newest());
            TrainingRound done = TrainingRound.of(after, tokens(history), seconds, steps, model);
            if (validation.isDue(before, after)) {
                requireFinite(SmoeNetwork.parameters(network));
                done = done.validated(
                        checkpoints.withFolder(model, SmoeNetwork.parameters(network), lineage, validation::loss));
            }
            history.add(done);
            if (round < rounds() && train.isDue(train.checkpoint().every(), before, after)) {
                requireFinite(SmoeNetwork.parameters(network));
                save(network, history);
            }
            progress.at(round, describe(history));
        }
        progress.done(describe(history));
    }

    private List<TrainingData.Batch> batches(TrainingData data) {
        var batches = new ArrayList<TrainingData.Batch>();
        for (int i = 0; i < train.ranks() * train.averagingFrequency(); i++) {
            batches.add(data.next());
        }
        return batches;
    }

    private void save(MultiLayerNetwork network, List<TrainingRound> history) throws IOException {
        long sequences = (long) history.size() * train.ranks() * train.averagingFrequency() * train.batch();
        var state = new Checkpoints.State(
                SmoeNetwork.parameters(network),
                SmoeNetwork.firstMoments(network),
                SmoeNetwork.secondMoments(network),
                sequences,
                List.copyOf(history));
        checkpoints.write(model, state, lineage);
    }

    /** Checks the weights directly, because no later loss shows an error of the last steps. */
    private void requireFinite(Weights parameters) throws IOException {
        for (ParameterLayout.Tensor tensor : ParameterLayout.of(model).tensors()) {
            parameters.read(tensor.name(), (values, count, at) -> {
                for (int i = 0; i < count; i++) {
                    if (!Float.isFinite(values[i])) {
                        throw UserError.diverged(
                                what + " diverged: tensor " + tensor.name() + " has the value " + values[i]
                                        + " at index " + (at + i),
                                "To train from the start, lower train.learning-rate or raise train.warmup.");
                    }
                }
            });
        }
    }

    private static long tokens(List<TrainingRound> history) {
        return history.isEmpty() ? 0 : history.get(history.size() - 1).tokens();
    }

    private static String describe(List<TrainingRound> history) {
        TrainingRound last = history.get(history.size() - 1);
        String validation = history.stream()
                .map(TrainingRound::validationLoss)
                .filter(loss -> loss != null)
                .reduce((earlier, later) -> later)
                .map(loss -> ", validation loss " + Digits.fixed(loss, 3))
                .orElse("");
        double seconds = history.stream().mapToDouble(TrainingRound::seconds).sum();
        return String.format(
                Locale.ROOT,
                "loss %s -> %s%s, %,d tokens, %,.0f tokens/s",
                Digits.fixed(history.get(0).loss(), 3),
                Digits.fixed(last.loss(), 3),
                validation,
                last.tokens(),
                last.tokens() / seconds);
    }

    private FusedAdamW optimizer() {
        int steps = rounds() * train.averagingFrequency();
        return new FusedAdamW(train.learningRate())
                .withSchedule((int) Math.round(train.warmup() * steps), steps, train.minimumLearningRate())
                .withBetas(train.beta1(), train.beta2())
                .withEpsilon(train.epsilon())
                .withWeightDecay(train.weightDecay())
                .withMaximumGradientNorm(train.clip());
    }

    private void writeMetrics(List<TrainingRound> history) {
        List<MetricsRow> rows =
                history.stream().map(round -> round.toRow(modelId)).toList();
        Records.replace(warehouse, UncurlTable.METRICS, rows, "run_id", modelId);
    }
}
