package dev.uncurl.checkpoint;

import dev.uncurl.error.UserError;
import dev.uncurl.model.Weights;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * The state from which training can resume: a model folder with additional files. For each shard,
 * {@code optimizer-00000-of-00005.safetensors} contains AdamW's moments as tensors {@code exp_avg.<parameter>} and
 * {@code exp_avg_sq.<parameter>}. {@code training.json} contains what the trainer defines. A checkpoint is written, synced and
 * published like a model, and can be read as a model.
 */
public final class TrainingCheckpoint {
    private static final String TRAINING = "training.json";
    private static final String FIRST = "exp_avg.";
    private static final String SECOND = "exp_avg_sq.";

    private final FileSystem fs;
    private final ModelFolder model;
    private final List<Safetensors> moments;

    private TrainingCheckpoint(FileSystem fs, ModelFolder model, List<Safetensors> moments) {
        this.fs = Storage.plain(fs);
        this.model = model;
        this.moments = moments;
    }

    /**
     * Writes a checkpoint to a staging folder and publishes it by one rename.
     *
     * @param dir the checkpoint's folder; must not exist
     * @param parameters the model's weights
     * @param first AdamW's first moments, by parameter
     * @param second AdamW's second moments, by parameter
     * @param training content of {@code training.json}
     */
    public static void write(
            FileSystem fs,
            Path dir,
            ModelConfig config,
            Weights parameters,
            Weights first,
            Weights second,
            byte[] training,
            Lineage lineage)
            throws IOException {
        ModelStaging staging = ModelStaging.create(fs, dir, config);
        try {
            var entries = staging.writeShards(parameters);
            Shards shards = staging.shards();
            for (int shard = 0; shard < shards.count(); shard++) {
                var tensors = shards.tensors(shard);
                staging.writeCompanion(file(shards, shard), declarations(tensors), writer -> {
                    for (var tensor : tensors) {
                        writer.write(FIRST + tensor.name(), first, tensor.name());
                        writer.write(SECOND + tensor.name(), second, tensor.name());
                    }
                });
            }
            staging.writeCompanion(TRAINING, training);
            staging.publish(lineage, entries);
        } catch (IOException | RuntimeException e) {
            staging.discard();
            throw e;
        }
    }

    private static String file(Shards shards, int shard) {
        return shards.file(shard).replace("model-", "optimizer-");
    }

    private static List<SafetensorsWriter.Declaration> declarations(List<ParameterLayout.Tensor> tensors) {
        var declarations = new ArrayList<SafetensorsWriter.Declaration>();
        for (var tensor : tensors) {
            declarations.add(new SafetensorsWriter.Declaration(FIRST + tensor.name(), tensor.shape()));
            declarations.add(new SafetensorsWriter.Declaration(SECOND + tensor.name(), tensor.shape()));
        }
        return declarations;
    }

    /**
     * Opens a checkpoint. Reads and checks all its files ({@link ModelFolder#verify}).
     *
     * @throws UserError (input) that names the first damaged or missing file
     */
    public static TrainingCheckpoint open(FileSystem fs, Path dir) throws IOException {
        ModelFolder model = ModelFolder.open(fs, dir);
        model.verify();
        requireListed(model, TRAINING);
        Shards shards = Shards.of(model.config());
        var moments = new ArrayList<Safetensors>();
        for (int shard = 0; shard < shards.count(); shard++) {
            requireListed(model, file(shards, shard));
            Safetensors file = model.safetensors(file(shards, shard));
            declarations(shards.tensors(shard)).forEach(declared -> checkShape(file, declared));
            moments.add(file);
        }
        return new TrainingCheckpoint(fs, model, moments);
    }

    private static void requireListed(ModelFolder model, String name) {
        if (!model.manifest().files().containsKey(name)) {
            throw UserError.input(
                    model.dir() + " is a model, not a checkpoint: its manifest does not list " + name,
                    "Remove it from the folder of checkpoints.");
        }
    }

    private static void checkShape(Safetensors file, SafetensorsWriter.Declaration declared) {
        List<Integer> shape = file.tensor(declared.name()).shape();
        if (!shape.equals(declared.shape())) {
            throw UserError.input(
                    file.file() + ": tensor " + declared.name() + " has shape " + shape + ", but " + declared.shape()
                            + " by config.json",
                    "Remove the checkpoint; training resumes from the previous one.");
        }
    }

    /** Parameters, configuration and lineage. */
    public ModelFolder model() {
        return model;
    }

    /** AdamW's first moments, by parameter. */
    public Weights firstMoments() {
        return moments(FIRST);
    }

    /** AdamW's second moments, by parameter. */
    public Weights secondMoments() {
        return moments(SECOND);
    }

    private Weights moments(String kind) {
        var shards = Shards.of(model.config());
        var fileOfTensor = new HashMap<String, Safetensors>();
        for (int shard = 0; shard < shards.count(); shard++) {
            for (var tensor : shards.tensors(shard)) {
                fileOfTensor.put(tensor.name(), moments.get(shard));
            }
        }
        return (tensor, values) -> fileOfTensor.get(tensor).read(kind + tensor, values);
    }

    /** Content of {@code training.json}. */
    public byte[] training() throws IOException {
        return Storage.read(fs, new Path(model.dir(), TRAINING));
    }
}
