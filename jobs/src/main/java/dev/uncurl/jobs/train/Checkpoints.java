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
 * The checkpoints of one model's training: folders {@code checkpoints/<model>/step-<n>} of the warehouse, each whole or
 * not there. To be used by whoever holds the model's name.
 */
final class Checkpoints {
    private static final Pattern STEP = Pattern.compile("step-(\\d{1,9})");
    /** A folder with the weights after a round, for validation; not a checkpoint. */
    private static final Pattern ROUND = Pattern.compile("round-[0-9a-f-]{36}");

    private static final Pattern UNFINISHED = Pattern.compile(STEP.pattern() + "|" + ROUND.pattern());
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final FileSystem files;
    private final Leftovers leftovers;
    private final boolean alone;
    private final Path folder;
    private final String modelId;
    private final CheckpointConfig config;

    public Checkpoints(Warehouse warehouse, String modelId, CheckpointConfig config) {
        this.files = warehouse.files();
        this.leftovers = new Leftovers(warehouse);
        this.alone = warehouse.canLock();
        this.folder = warehouse.checkpointFolder(modelId);
        this.modelId = modelId;
        this.config = config;
    }

    /**
     * A run as it stood after its last round.
     *
     * @param first moments of AdamW
     * @param second moments of AdamW
     * @param sequences of the training data that were used up
     * @param history all rounds so far, one at least
     */
    record State(Weights parameters, Weights first, Weights second, long sequences, List<TrainingRound> history) {
        TrainingRound last() {
            return history.get(history.size() - 1);
        }
    }

    /** What a checkpoint holds beside the arrays: training.json. */
    private record Position(long sequences, List<TrainingRound> history) {}

    /**
     * The newest checkpoint that is whole. A damaged one is thrown away in favour of the one before; those of a run of
     * other inputs are all thrown away. Both are said.
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
                    requireAlone(made, inputs);
                    System.out.println("Model " + modelId + ": an unfinished run of other inputs is thrown away:"
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
                        + " is damaged and thrown away: " + damage.getMessage());
                remove(step.getValue());
                continue;
            }
            System.out.printf(
                    Locale.ROOT,
                    "Model %s: going on from %s, %,d tokens.%n",
                    modelId,
                    step.getValue(),
                    state.last().tokens());
            return Optional.of(state);
        }
        return Optional.empty();
    }

    /** Without holds, a run of other inputs whose checkpoints these are may be at work. */
    private void requireAlone(Map<String, String> made, Map<String, String> inputs) {
        if (!alone) {
            throw UserError.conflict(
                    "Model " + modelId + ": a run of other inputs has its checkpoints in " + folder
                            + ", where nothing tells whether it still works:" + InputDiff.differences(made, inputs),
                    "Wait for it or choose another name; if it was killed, delete that folder and run this command"
                            + " again.");
        }
    }

    /** Saves a run, and then removes the checkpoints that are neither among the newest nor the best. */
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
     * Writes weights to a folder of this run, for tasks that read them by byte range, and removes it after the use.
     *
     * @param use called once with the folder
     */
    <T> T withFolder(ModelConfig model, Weights weights, Lineage lineage, Function<ModelFolder, T> use)
            throws IOException {
        Path aside = new Path(folder, "round-" + UUID.randomUUID());
        try {
            return use.apply(ModelFolder.write(files, aside, model, weights, lineage));
        } finally {
            files.delete(aside, true);
        }
    }

    /** The newest checkpoint, as a message names it. */
    String newest() throws IOException {
        SortedMap<Integer, Path> steps = steps();
        return steps.isEmpty() ? "none" : steps.get(steps.lastKey()).toString();
    }

    /** To be called when the model is published. */
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

    /** Out of sight by one rename first: who is killed while removing leaves nothing that looks like a checkpoint. */
    private void remove(Path step) throws IOException {
        Path hidden = Leftovers.hidden(step);
        if (!files.rename(step, hidden)) {
            throw new IOException("Cannot rename " + step + " to " + hidden);
        }
        files.delete(hidden, true);
    }

    /** Removes what killed runs left. Without locks a run may still be at work, so nothing is removed. */
    private void removeLeftovers() throws IOException {
        leftovers.removeHidden(folder, UNFINISHED);
        if (alone && files.exists(folder)) {
            for (FileStatus status : files.listStatus(folder)) {
                if (ROUND.matcher(status.getPath().getName()).matches()) {
                    files.delete(status.getPath(), true);
                }
            }
        }
    }
}
