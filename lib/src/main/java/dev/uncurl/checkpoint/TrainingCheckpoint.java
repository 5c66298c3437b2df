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
 * All that a training run needs to go on: a model folder, and beside its shards AdamW's moments in as many files
 * {@code optimizer-00000-of-00005.safetensors}, as tensors {@code exp_avg.<parameter>} and {@code exp_avg_sq.<parameter>},
 * and {@code training.json}, whose content is the trainer's own. Written, synced and published as a model is; whoever
 * reads models can read it as one.
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
     * Writes a checkpoint aside and publishes it by one rename.
     *
     * @param dir where it shall stand; nothing may stand there
     * @param parameters the model's weights
     * @param first moments of AdamW, under the names of their parameters
     * @param second moments, likewise
     * @param training what else the trainer needs
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
     * Opens a checkpoint after reading every byte of it against its manifest.
     *
     * @throws UserError (input) that names the file when it is not whole
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
                    file.file() + ": tensor " + declared.name() + " has shape " + shape + ", by config.json "
                            + declared.shape(),
                    "Remove the checkpoint; training goes on from the one before.");
        }
    }

    /** Parameters, configuration and lineage. */
    public ModelFolder model() {
        return model;
    }

    /** AdamW's first moments, under the names of their parameters. */
    public Weights firstMoments() {
        return moments(FIRST);
    }

    /** AdamW's second moments, under the names of their parameters. */
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

    /** What the trainer wrote of its own. */
    public byte[] training() throws IOException {
        return Storage.read(fs, new Path(model.dir(), TRAINING));
    }
}
