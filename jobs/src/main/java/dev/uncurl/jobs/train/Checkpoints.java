package dev.uncurl.jobs.train;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.uncurl.checkpoint.Lineage;
import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.checkpoint.TrainingCheckpoint;
import dev.uncurl.config.CheckpointConfig;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.InputDiff;
import dev.uncurl.jobs.warehouse.Leftovers;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.Weights;
import dev.uncurl.model.spec.ModelConfig;
import java.io.IOException;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * The checkpoints of the training of one model: folders {@code checkpoints/<model>/step-<n>} of the warehouse. A
 * checkpoint is either complete or does not exist. The caller must have the lock of the model.
 */
final class Checkpoints {
    private static final Pattern STEP = Pattern.compile("step-(\\d{1,9})");
    /** A temporary folder with the weights after a round, for validation; it is not a checkpoint. */
    private static final Pattern ROUND = Pattern.compile("round-[0-9a-f-]{36}");

    private static final Pattern UNFINISHED = Pattern.compile(STEP.pattern() + "|" + ROUND.pattern());
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final FileSystem files;
    private final Leftovers leftovers;
    private final boolean exclusive;
    private final Path folder;
    private final String modelId;
    private final CheckpointConfig config;

    public Checkpoints(Warehouse warehouse, String modelId, CheckpointConfig config) {
        this.files = warehouse.files();
        this.leftovers = new Leftovers(warehouse);
        this.exclusive = warehouse.canLock();
        this.folder = warehouse.checkpointFolder(modelId);
        this.modelId = modelId;
        this.config = config;
    }

    /**
     * The state of a run after a round.
     *
     * @param first first moments of AdamW
     * @param second second moments of AdamW
     * @param sequences number of sequences of the training data that were consumed
     * @param history all rounds so far, at least one
     */
    record State(Weights parameters, Weights first, Weights second, long sequences, List<TrainingRound> history) {
        TrainingRound last() {
            return history.get(history.size() - 1);
        }
    }

    /** The contents of training.json of a checkpoint. */
    private record Position(long sequences, List<TrainingRound> history) {}

    /**
     * Returns the newest valid checkpoint. Discards damaged checkpoints, and all checkpoints of a run with other
     * inputs, and prints a line about each case.
     *
     * @throws UserError (conflict) if a run with other inputs may be active, because this file system has no locks
     */
    Optional<State> resume(Map<String, String> inputs) throws IOException {
        removeLeftovers();
        for (var step : steps().descendingMap().entrySet()) {
            TrainingCheckpoint checkpoint;
            State state;
            try {
                checkpoint = TrainingCheckpoint.open(files, step.getValue());
                Map<String, String> made =
                        checkpoint.model().manifest().lineage().inputs();
                if (!made.equals(new TreeMap<>(inputs))) {
                    requireExclusive(made, inputs);
                    System.out.println("Model " + modelId + ": an unfinished run with other inputs is discarded:"
                            + InputDiff.differences(made, inputs));
                    discard();
                    return Optional.empty();
                }
                Position position = JSON.readValue(checkpoint.training(), new TypeReference<>() {});
                state = new State(
                        checkpoint.model(),
                        checkpoint.firstMoments(),
                        checkpoint.secondMoments(),
                        position.sequences,
                        position.history);
            } catch (UserError damage) {
                if (damage.kind() != UserError.Kind.INPUT) {
                    throw damage;
                }
                System.out.println("Model " + modelId + ": checkpoint " + step.getValue()
                        + " is damaged and discarded: " + damage.getMessage());
                remove(step.getValue());
                continue;
            }
            System.out.printf(
                    Locale.ROOT,
                    "Model %s: resumed from %s, %,d tokens.%n",
                    modelId,
                    step.getValue(),
                    state.last().tokens());
            return Optional.of(state);
        }
        return Optional.empty();
    }

    /** Without locks, the run with other inputs that wrote these checkpoints may still be active. */
    private void requireExclusive(Map<String, String> made, Map<String, String> inputs) {
        if (!exclusive) {
            throw UserError.conflict(
                    "Model " + modelId + ": a run with other inputs has its checkpoints in " + folder
                            + ", and may still be active, since this file system has no locks:"
                            + InputDiff.differences(made, inputs),
                    "Wait for that run to end or choose another name; if it was killed, delete this folder and run this"
                            + " command again.");
        }
    }

    /** Saves a run, and then removes all checkpoints except the newest ones and the best one. */
    void write(ModelConfig model, State state, Lineage lineage) throws IOException {
        byte[] position = JSON.writeValueAsBytes(new Position(state.sequences, state.history));
        Path target = new Path(folder, "step-" + state.last().step());
        TrainingCheckpoint.write(files, target, model, state.parameters, state.first, state.second, position, lineage);
        TreeMap<Integer, Path> steps = steps();
        Optional<Integer> best = state.history.stream()
                .filter(round -> round.validationLoss() != null && steps.containsKey(round.step()))
                .min(Comparator.comparingDouble(TrainingRound::validationLoss))
                .map(TrainingRound::step);
        List<Integer> newest =
                steps.descendingKeySet().stream().limit(config.keep()).toList();
        for (var step : steps.entrySet()) {
            if (!newest.contains(step.getKey()) && !best.equals(Optional.of(step.getKey()))) {
                remove(step.getValue());
            }
        }
    }

    /**
     * Writes weights to a temporary folder, from which tasks can read them by byte range, and removes it after use.
     *
     * @param use called once with the folder
     */
    <T> T withFolder(ModelConfig model, Weights weights, Lineage lineage, Function<ModelFolder, T> use)
            throws IOException {
        Path temporary = new Path(folder, "round-" + UUID.randomUUID());
        try {
            return use.apply(ModelFolder.write(files, temporary, model, weights, lineage));
        } finally {
            files.delete(temporary, true);
        }
    }

    /** Returns the path of the newest checkpoint, or "none", for messages. */
    String newest() throws IOException {
        SortedMap<Integer, Path> steps = steps();
        return steps.isEmpty() ? "none" : steps.get(steps.lastKey()).toString();
    }

    /** Must be called when the model is published: removes the checkpoints unless the configuration keeps them. */
    void finish() throws IOException {
        if (!config.stay()) {
            discard();
        }
    }

    private TreeMap<Integer, Path> steps() throws IOException {
        var steps = new TreeMap<Integer, Path>();
        if (files.exists(folder)) {
            for (FileStatus status : files.listStatus(folder)) {
                Matcher step = STEP.matcher(status.getPath().getName());
                if (step.matches()) {
                    steps.put(Integer.parseInt(step.group(1)), status.getPath());
                }
            }
        }
        return steps;
    }

    private void discard() throws IOException {
        for (Path step : steps().values()) {
            remove(step);
        }
        removeLeftovers();
        if (files.exists(folder) && files.listStatus(folder).length == 0) {
            files.delete(folder, false);
        }
    }

    /**
     * Renames the folder first, so that a run that is killed while it removes files leaves no incomplete checkpoint.
     */
    private void remove(Path step) throws IOException {
        Path hidden = Leftovers.hidden(step);
        if (!files.rename(step, hidden)) {
            throw new IOException("Cannot rename " + step + " to " + hidden);
        }
        files.delete(hidden, true);
    }

    /**
     * Removes files that killed runs left. Without locks, keeps the folders of rounds, since another run may be active.
     */
    private void removeLeftovers() throws IOException {
        leftovers.removeHidden(folder, UNFINISHED);
        if (exclusive && files.exists(folder)) {
            for (FileStatus status : files.listStatus(folder)) {
                if (ROUND.matcher(status.getPath().getName()).matches()) {
                    files.delete(status.getPath(), true);
                }
            }
        }
    }
}
