package dev.uncurl.jobs.train;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.uncurl.checkpoint.CheckpointPart;
import dev.uncurl.checkpoint.Lineage;
import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.checkpoint.ModelStaging;
import dev.uncurl.checkpoint.TrainingCheckpoint;
import dev.uncurl.checkpoint.Unfinished;
import dev.uncurl.config.CheckpointConfig;
import dev.uncurl.config.TrainConfig;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.InputDiff;
import dev.uncurl.jobs.warehouse.Leftovers;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.spec.DType;
import dev.uncurl.model.spec.ModelConfig;
import java.io.IOException;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * The checkpoints of the training of one model: folders {@code checkpoints/<model>/step-<n>} of the warehouse, on an object store
 * {@code step-<n>.<token>}. A checkpoint is either complete or does not exist. The caller must have the lease of the model.
 */
final class Checkpoints {
    private static final Pattern STEP = Pattern.compile("step-(\\d{1,9})");

    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final Warehouse warehouse;
    private final FileSystem files;
    private final Path folder;
    private final String modelId;
    private final CheckpointConfig config;

    public Checkpoints(Warehouse warehouse, String modelId, CheckpointConfig config) {
        this.warehouse = warehouse;
        this.files = warehouse.files();
        this.folder = warehouse.checkpointFolder(modelId);
        this.modelId = modelId;
        this.config = config;
    }

    /**
     * A checkpoint of a run.
     *
     * @param model the folder as a model
     * @param history all intervals so far, at least one
     */
    record State(ModelFolder model, List<TrainingInterval> history) {
        TrainingInterval last() {
            return history.get(history.size() - 1);
        }
    }

    /** The contents of training.json of a checkpoint. */
    private record Position(List<TrainingInterval> history) {}

    /**
     * Returns the newest valid checkpoint. Discards damaged checkpoints, and all checkpoints of a run with other
     * inputs, and prints a line about each case.
     */
    Optional<State> resume(Map<String, String> inputs) throws IOException {
        removeLeftovers();
        for (var step : steps().descendingMap().entrySet()) {
            TrainingCheckpoint checkpoint;
            State state;
            try {
                checkpoint = TrainingCheckpoint.open(files, step.getValue());
                ModelFolder model = checkpoint.model();
                Map<String, String> made = model.manifest().lineage().inputs();
                if (!withoutRanks(made).equals(withoutRanks(inputs))) {
                    System.out.println("Model " + modelId + ": an unfinished run with other inputs is discarded:"
                            + InputDiff.differences(made, inputs));
                    discard();
                    return Optional.empty();
                }
                Position position = JSON.readValue(checkpoint.training(), new TypeReference<>() {});
                state = new State(model, position.history);
            } catch (UserError damage) {
                if (damage.kind() != UserError.Kind.INPUT) {
                    throw damage;
                }
                System.out.println("Model " + modelId + ": checkpoint " + step.getValue()
                        + " is damaged and discarded: " + damage.getMessage());
                Unfinished.remove(files, step.getValue());
                continue;
            }
            System.out.printf(
                    Locale.ROOT,
                    "Model %s: resumed from %s, %,d tokens%s.%n",
                    modelId,
                    step.getValue(),
                    state.last().tokens(),
                    ranks(state.model().manifest().lineage().inputs(), inputs));
            return Optional.of(state);
        }
        return Optional.empty();
    }

    /** The inputs that make the model, apart from rounding: a run goes on with any number of ranks, and any division of experts. */
    private static Map<String, String> withoutRanks(Map<String, String> inputs) {
        var rest = new TreeMap<>(inputs);
        rest.remove(TrainConfig.RANKS);
        rest.remove(TrainConfig.EXPERT_PARALLEL);
        return rest;
    }

    private static String ranks(Map<String, String> made, Map<String, String> inputs) {
        String before = ranks(made);
        String now = ranks(inputs);
        return now.equals(before)
                ? ""
                : ", which " + before + " ranks wrote; with " + now + " the model is the same, apart from rounding";
    }

    private static String ranks(Map<String, String> inputs) {
        String ranks = inputs.get(TrainConfig.RANKS);
        String parallel = inputs.get(TrainConfig.EXPERT_PARALLEL);
        return parallel == null ? ranks : ranks + " (expert-parallel " + parallel + ")";
    }

    /** Begins a checkpoint, of which ranks then write their parts. */
    ModelStaging begin(ModelConfig model, int expertParallel, int step) throws IOException {
        return ModelStaging.create(files, path(step), model, DType.F32, expertParallel);
    }

    /** The folder of the checkpoint after a step; where it is written, and on an object store stays, {@link ModelStaging} says. */
    Path path(int step) {
        return new Path(folder, "step-" + step);
    }

    /** Publishes a checkpoint. @param parts of all ranks */
    State publish(ModelStaging staging, List<CheckpointPart> parts, List<TrainingInterval> history, Lineage lineage)
            throws IOException {
        warehouse.requireLeases();
        byte[] position = JSON.writeValueAsBytes(new Position(history));
        return new State(TrainingCheckpoint.publish(staging, parts, position, lineage), history);
    }

    /**
     * Removes all checkpoints except the newest ones and the best one.
     *
     * @param last the last step of the run, whose checkpoint is removed when the model is published
     */
    void prune(List<TrainingInterval> history, int last) throws IOException {
        TreeMap<Integer, Path> steps = steps();
        steps.remove(last);
        Optional<Integer> best = history.stream()
                .filter(interval -> interval.validationLoss() != null && steps.containsKey(interval.step()))
                .min(Comparator.comparingDouble(TrainingInterval::validationLoss))
                .map(TrainingInterval::step);
        List<Integer> newest =
                steps.descendingKeySet().stream().limit(config.keep()).toList();
        for (var step : steps.entrySet()) {
            if (!newest.contains(step.getKey()) && !best.equals(Optional.of(step.getKey()))) {
                Unfinished.remove(files, step.getValue());
            }
        }
    }

    /** Returns the path of the newest checkpoint, or "none", for messages. */
    String newest() throws IOException {
        SortedMap<Integer, Path> steps = steps();
        return steps.isEmpty() ? "none" : steps.get(steps.lastKey()).toString();
    }

    /**
     * Must be called when the model is published: removes the checkpoints unless the configuration keeps them. That of the last
     * step goes always, since the model has its weights.
     */
    void finish(int last) throws IOException {
        if (!config.stay() || config.every() == 0) {
            discard();
        } else if (steps().containsKey(last)) {
            Unfinished.remove(files, steps().get(last));
        }
    }

    private TreeMap<Integer, Path> steps() throws IOException {
        var steps = new TreeMap<Integer, Path>();
        if (files.exists(folder)) {
            for (FileStatus status : files.listStatus(folder)) {
                Matcher step = STEP.matcher(Unfinished.name(status.getPath().getName()));
                if (step.matches()) {
                    steps.put(Integer.parseInt(step.group(1)), status.getPath());
                }
            }
        }
        return steps;
    }

    private void discard() throws IOException {
        for (Path step : steps().values()) {
            Unfinished.remove(files, step);
        }
        removeLeftovers();
        if (files.exists(folder) && files.listStatus(folder).length == 0) {
            files.delete(folder, false);
        }
    }

    /** Removes files that killed runs left. */
    private void removeLeftovers() throws IOException {
        new Leftovers(warehouse).removeUnfinished(folder, STEP);
    }
}
