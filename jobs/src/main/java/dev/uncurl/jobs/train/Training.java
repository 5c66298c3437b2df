package dev.uncurl.jobs.train;

import dev.uncurl.checkpoint.CheckpointPart;
import dev.uncurl.checkpoint.Lineage;
import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.checkpoint.ModelStaging;
import dev.uncurl.config.TrainConfig;
import dev.uncurl.dl4j.FusedAdamW;
import dev.uncurl.dl4j.SmoeNetwork;
import dev.uncurl.jobs.cluster.Restarts;
import dev.uncurl.jobs.cluster.TaskProcessor;
import dev.uncurl.jobs.output.Digits;
import dev.uncurl.jobs.warehouse.ModelCache;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.MetricsRow;
import dev.uncurl.model.spec.ModelConfig;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.spark.util.SerializableConfiguration;
import org.deeplearning4j.spark.impl.multilayer.SparkDl4jMultiLayer;

/**
 * Trains a model with Deeplearning4j on Spark, in segments of many steps. In a segment the ranks train synchronously
 * ({@link SynchronousTraining}) and then write a checkpoint, from which the next segment, the validation and a killed run go
 * on; the driver has no weights. Apart from rounding, the result depends only on the configuration and the data; with the same
 * number of ranks it has the same bits, whether the run was killed or not.
 */
final class Training {
    private final Warehouse warehouse;
    private final String modelId;
    private final ModelConfig model;
    private final TrainConfig asked;
    private final Lineage lineage;
    private final Checkpoints checkpoints;
    private final String what;
    private final int steps;
    private TrainConfig train;
    private TaskProcessor.Description said;

    /**
     * @param train with the number of ranks to begin with
     * @param asked the same as configured: with ranks = auto, fewer go on if the cluster shrinks
     * @param lineage lineage of the model; only a checkpoint with the same inputs is resumed
     */
    Training(
            Warehouse warehouse,
            String modelId,
            ModelConfig model,
            TrainConfig train,
            TrainConfig asked,
            Lineage lineage) {
        this.warehouse = warehouse;
        this.modelId = modelId;
        this.model = model;
        this.train = train;
        this.asked = asked;
        this.lineage = lineage;
        this.checkpoints = new Checkpoints(warehouse, modelId, train.checkpoint());
        this.what = "train " + modelId;
        this.steps = train.steps(model.sequenceLength());
    }

    /**
     * Trains, writes training.metrics, publishes the folder, then writes the row of models.registry, and last removes
     * the checkpoints.
     *
     * @param initial the beginning, if there is no checkpoint
     * @param data training data
     * @param validation computes the validation loss between segments
     */
    ModelFolder run(StartingPoint initial, TrainingData data, Validation validation) throws IOException {
        warehouse.describe(what);
        Optional<Checkpoints.State> saved = checkpoints.resume(lineage.inputs());
        var restarts = new Restarts(what, train.restarts());
        Checkpoints.State trained;
        try (var follower =
                new Follower(what, steps, saved.map(Checkpoints.State::history).orElse(List.of()))) {
            trained = saved.isPresent() ? validated(saved.get(), validation, follower) : null;
            while (trained == null || trained.last().step() < steps) {
                Checkpoints.State next = restarting(restarts, initial, trained, data, validation, follower);
                trained = validated(next, validation, follower);
                checkpoints.prune(trained.history(), steps);
            }
            follower.done();
        }
        writeMetrics(trained.history()); // before the folder: once it exists, a restarted run does nothing more
        Lineage last = trained.model().manifest().lineage();
        ModelFolder folder =
                new TrainedModel(warehouse, trained.model()).publish(modelId, lineage.withBackend(last.backend()));
        new Models(warehouse).registerNew(modelId, folder);
        checkpoints.finish(steps);
        System.out.printf(
                Locale.ROOT,
                "Model %s: %,d parameters, trained on %,d tokens in %d steps, loss %s -> %s%n",
                modelId,
                folder.layout().length(),
                trained.last().tokens(),
                steps,
                Digits.fixed(trained.history().get(0).loss(), 3),
                Digits.fixed(trained.last().loss(), 3));
        return folder;
    }

    /** Measures the validation loss, if it is due after the last interval. */
    private Checkpoints.State validated(Checkpoints.State state, Validation validation, Follower follower) {
        List<TrainingInterval> history = state.history();
        int before = history.size() < 2 ? 0 : history.get(history.size() - 2).step();
        if (state.last().validationLoss() != null
                || !validation.isDue(before, state.last().step())) {
            return state;
        }
        double loss = validation.loss(state.model());
        follower.validated(loss);
        var measured = new ArrayList<>(history);
        measured.set(history.size() - 1, state.last().validated(loss));
        return new Checkpoints.State(state.model(), measured);
    }

    /** {@link #segment}, again if a rank is lost. */
    private Checkpoints.State restarting(
            Restarts restarts,
            StartingPoint initial,
            Checkpoints.State state,
            TrainingData data,
            Validation validation,
            Follower follower)
            throws IOException {
        List<TrainingInterval> history = state == null ? List.of() : state.history();
        while (true) {
            try {
                return segment(initial, state, data, validation);
            } catch (Exception e) { // Spark throws checked exceptions without declaring them
                if (!restarts.again(
                        e, "step " + (state == null ? 0 : state.last().step()))) {
                    throw e;
                }
                follower.backTo(history);
                train = RankPlaces.again(warehouse, train, asked);
            }
        }
    }

    /** Takes the steps up to the next checkpoint or validation. @param state after the last segment; null before the first */
    private Checkpoints.State segment(
            StartingPoint initial, Checkpoints.State state, TrainingData data, Validation validation)
            throws IOException {
        List<TrainingInterval> history = state == null ? List.of() : state.history();
        int from = state == null ? 0 : state.last().step();
        int to = end(from, validation);
        ModelStaging staging = checkpoints.begin(model, train.expertParallel(), to);
        boolean published = false;
        try {
            var segment = new Segment(
                    what,
                    model,
                    train,
                    state == null
                            ? initial
                            : new StartingPoint.Checkpoint(ModelCache.Reference.of(warehouse, state.model())),
                    from,
                    to,
                    history.subList(Math.max(0, history.size() - LossGuard.WINDOW), history.size()),
                    checkpoints.path(to).toString(),
                    staging.token(),
                    new SerializableConfiguration(
                            warehouse.spark().sparkContext().hadoopConfiguration()));
            List<RankOutcome> outcomes = run(segment, data);
            var all = new ArrayList<>(history);
            all.addAll(outcomes.get(0).intervals());
            StepMetrics bad = outcomes.get(0).bad();
            if (bad != null) {
                throw new LossGuard(train.spikeFactor())
                        .diverged(what, bad, all, data.ids(bad.step()), checkpoints.newest());
            }
            List<CheckpointPart> parts =
                    outcomes.stream().map(RankOutcome::part).toList();
            Checkpoints.State next =
                    checkpoints.publish(staging, parts, all, on(outcomes.get(0).device()));
            published = true;
            return next;
        } finally {
            if (!published) {
                staging.discard();
            }
        }
    }

    /** The lineage of what ranks made on this device; says once which one it is, if it is a GPU. */
    private Lineage on(TaskProcessor.Description device) {
        if (device.isCpu()) {
            return lineage;
        }
        if (!device.equals(said)) {
            System.out.println("Ranks compute on " + device.text());
            said = device;
        }
        return lineage.withBackend(lineage.backend() + ", " + device.text());
    }

    /** The step after which a segment ends: that of a whole interval. */
    private int end(int from, Validation validation) {
        int before = from;
        while (true) {
            int after = (int) Math.min(steps, (before / train.metricsEvery() + 1L) * train.metricsEvery());
            if (after == steps
                    || train.isDue(train.checkpoint().every(), before, after)
                    || validation.isDue(before, after)) {
                return after;
            }
            before = after;
        }
    }

    private List<RankOutcome> run(Segment segment, TrainingData data) {
        var master = new SynchronousTraining(segment);
        var network = SmoeNetwork.withoutArrays(model, optimizer(), train.microBatch());
        var division = SynchronousTraining.division(
                segment.shares(), warehouse.context().isLocal());
        new SparkDl4jMultiLayer(warehouse.context(), network, master)
                .fit(data.steps(segment.from(), segment.to(), division));
        return master.outcomes();
    }

    private FusedAdamW optimizer() {
        return new FusedAdamW(train.learningRate())
                .withSchedule((int) Math.round(train.warmup() * steps), steps, train.minimumLearningRate())
                .withBetas(train.beta1(), train.beta2())
                .withEpsilon(train.epsilon())
                .withWeightDecay(train.weightDecay())
                .withMaximumGradientNorm(train.clip());
    }

    private void writeMetrics(List<TrainingInterval> history) {
        List<MetricsRow> rows =
                history.stream().map(interval -> interval.toRow(modelId)).toList();
        Records.replace(warehouse, UncurlTable.METRICS, rows, "run_id", modelId);
    }
}
