package dev.uncurl.checkpoint;

import dev.uncurl.error.UserError;
import dev.uncurl.model.FlatMoments;
import dev.uncurl.model.Weights;
import dev.uncurl.model.spec.ElementRange;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * The state from which training can resume, with any number of ranks and any division of experts: a model folder with additional files. Each rank has
 * written AdamW's moments of its slice of the flat parameters to {@code moments-00000-of-00002.safetensors}, as tensors
 * {@code exp_avg} and {@code exp_avg_sq}, of a slice of several pieces {@code exp_avg.1} and so on ({@link CheckpointPart}). {@code training.json} contains what the trainer defines. A
 * checkpoint is written, synced and published like a model, and can be read as a model.
 */
public final class TrainingCheckpoint {
    private static final String TRAINING = "training.json";
    private static final String MOMENTS = "moments-";
    /** Moments by tensor, of releases whose ranks averaged their parameters. */
    private static final String AVERAGED = "optimizer-";

    private final FileSystem fs;
    private final ModelFolder model;
    /** By the index of their first moment in the flat parameters. */
    private final SortedMap<Long, Piece> moments;

    /** Moments of successive parameters. @param number of the piece in its file */
    private record Piece(Safetensors file, int number) {
        Safetensors.Tensor tensor(String moment) {
            return file.tensor(CheckpointPart.name(moment, number));
        }

        long length() {
            return tensor(FlatMoments.FIRST).length();
        }
    }

    private TrainingCheckpoint(FileSystem fs, ModelFolder model, SortedMap<Long, Piece> moments) {
        this.fs = Storage.plain(fs);
        this.model = model;
        this.moments = moments;
    }

    /**
     * Publishes a checkpoint, of which all ranks have written their parts.
     *
     * @param parts of all ranks
     * @param training content of {@code training.json}
     */
    public static ModelFolder publish(
            ModelStaging staging, List<CheckpointPart> parts, byte[] training, Lineage lineage) throws IOException {
        var shards = new TreeMap<Integer, Manifest.Entry>();
        for (CheckpointPart part : parts) {
            shards.putAll(part.shards());
            staging.addCompanion(part.file(), part.moments());
        }
        staging.writeCompanion(TRAINING, training);
        return staging.publish(lineage, shards);
    }

    /**
     * Opens a checkpoint. Reads and checks all its files ({@link ModelFolder#verify}).
     *
     * @throws UserError (input) that names the first damaged or missing file; (conflict) if an earlier release has written it
     */
    public static TrainingCheckpoint open(FileSystem fs, Path dir) throws IOException {
        ModelFolder model = ModelFolder.open(fs, dir);
        requireNotAveraged(model);
        model.verify();
        if (!model.manifest().files().containsKey(TRAINING)) {
            throw UserError.input(
                    model.dir() + " is a model, not a checkpoint: its manifest does not list " + TRAINING,
                    "Remove it from the folder of checkpoints.");
        }
        return new TrainingCheckpoint(fs, model, moments(model));
    }

    /**
     * Opens a checkpoint that was opened before, possibly by another process; checks each tensor when it is read.
     *
     * @param manifestSha256 as in {@link ModelFolder#reopen}
     */
    public static TrainingCheckpoint reopen(FileSystem fs, Path dir, String manifestSha256) throws IOException {
        ModelFolder model = ModelFolder.reopen(fs, dir, manifestSha256);
        return new TrainingCheckpoint(fs, model, moments(model));
    }

    private static void requireNotAveraged(ModelFolder model) {
        if (model.manifest().files().keySet().stream().anyMatch(name -> name.startsWith(AVERAGED))) {
            throw UserError.conflict(
                    model.dir() + " is a checkpoint of an earlier release, whose ranks averaged their parameters;"
                            + " synchronous training cannot continue it",
                    "Train under another name, or delete this folder and run this command again to train from the start.");
        }
    }

    private static SortedMap<Long, Piece> moments(ModelFolder model) throws IOException {
        var moments = new TreeMap<Long, Piece>();
        for (String name : model.manifest().files().keySet()) {
            if (name.startsWith(MOMENTS)) {
                Safetensors file = model.safetensors(name);
                String[] begins =
                        file.metadata().getOrDefault(CheckpointPart.BEGIN, "").split(",");
                for (int number = 0; number < begins.length; number++) {
                    var piece = new Piece(file, number);
                    if (piece.length() > 0) {
                        boolean valid = begins[number].matches("\\d{1,18}");
                        moments.put(valid ? Long.parseLong(begins[number]) : -1, piece);
                    }
                }
            }
        }
        long next = 0;
        for (Map.Entry<Long, Piece> entry : moments.entrySet()) {
            Piece piece = entry.getValue();
            if (entry.getKey() != next || piece.tensor(FlatMoments.SECOND).length() != piece.length()) {
                throw incomplete(piece.file().file().toString(), next);
            }
            next += piece.length();
        }
        if (next != model.layout().length()) {
            throw incomplete(model.dir().toString(), next);
        }
        return moments;
    }

    private static UserError incomplete(String where, long at) {
        return UserError.input(
                where + " does not have the moments of the parameters from " + at + " on",
                "Remove the checkpoint; training resumes from the previous one.");
    }

    /** Parameters, configuration and lineage. */
    public ModelFolder model() {
        return model;
    }

    /**
     * AdamW's moments of ranges of the flat parameters, one range after another, which need not be those that a rank has
     * written: two tensors, as in {@link FlatMoments}.
     *
     * @param ranges of {@link dev.uncurl.model.spec.ParameterLayout#of(dev.uncurl.model.spec.ModelConfig)}
     */
    public Weights moments(List<ElementRange> ranges) {
        return (name, values) -> {
            long done = 0;
            for (ElementRange range : ranges) {
                read(name, range, done, values);
                done += range.length();
            }
        };
    }

    private void read(String moment, ElementRange range, long done, Weights.Values values) throws IOException {
        for (Map.Entry<Long, Piece> piece : moments.entrySet()) {
            long from = piece.getKey();
            if (from < range.to() && from + piece.getValue().length() > range.from()) {
                var window = new Window(values, range.from() - from, range.length(), done);
                piece.getValue().file().read(piece.getValue().tensor(moment).name(), window);
            }
        }
    }

    /**
     * Passes on the values of a window of a tensor.
     *
     * @param offset index of the window's first value in the tensor; negative if the window begins before the tensor
     * @param done number of values that the target gets before the window
     */
    private record Window(Weights.Values target, long offset, long length, long done) implements Weights.Values {
        @Override
        public void take(float[] values, int count, int at) throws IOException {
            int from = (int) Math.min(count, Math.max(0, offset - at));
            int to = (int) Math.max(from, Math.min(count, offset + length - at));
            if (from > 0) {
                System.arraycopy(values, from, values, 0, to - from);
            }
            if (to > from) {
                target.take(values, to - from, Math.toIntExact(done + at + from - offset));
            }
        }
    }

    /** Content of {@code training.json}. */
    public byte[] training() throws IOException {
        return Storage.read(fs, new Path(model.dir(), TRAINING));
    }
}
