package dev.uncurl.checkpoint;

import dev.uncurl.error.UserError;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.fs.FSDataInputStream;
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
    private final Shards shards;

    private TrainingCheckpoint(FileSystem fs, ModelFolder model) {
        this.fs = Storage.plain(fs);
        this.model = model;
        this.shards = Shards.of(model.config());
    }

    /**
     * Writes a checkpoint aside and publishes it by one rename.
     *
     * @param dir where it shall stand; nothing may stand there
     * @param parameters in the order of {@link ParameterLayout}
     * @param moments the first of all parameters in that order, then the second
     * @param training what else the trainer needs
     */
    public static TrainingCheckpoint write(
            FileSystem fs,
            Path dir,
            ModelConfig config,
            float[] parameters,
            float[] moments,
            byte[] training,
            Lineage lineage)
            throws IOException {
        long length = ParameterLayout.of(config).length();
        if (parameters.length != length || moments.length != 2 * length) {
            throw new IllegalArgumentException("The model has " + length + " parameters, not " + parameters.length
                    + ", and twice as many moments, not " + moments.length);
        }
        ModelStaging staging = ModelStaging.create(fs, dir, config);
        try {
            var entries = staging.writeShards(parameters);
            Shards shards = staging.shards();
            for (int shard = 0; shard < shards.count(); shard++) {
                var tensors = shards.tensors(shard);
                staging.writeCompanion(file(shards, shard), declarations(tensors), writer -> {
                    for (var tensor : tensors) {
                        int offset = Math.toIntExact(tensor.offset());
                        writer.write(FIRST + tensor.name(), moments, offset);
                        writer.write(SECOND + tensor.name(), moments, parameters.length + offset);
                    }
                });
            }
            staging.writeCompanion(TRAINING, training);
            return new TrainingCheckpoint(fs, staging.publish(lineage, entries));
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
        var checkpoint = new TrainingCheckpoint(fs, model);
        checkpoint.requireListed(TRAINING);
        for (int shard = 0; shard < checkpoint.shards.count(); shard++) {
            checkpoint.requireListed(file(checkpoint.shards, shard));
        }
        return checkpoint;
    }

    private void requireListed(String name) {
        if (!model.manifest().files().containsKey(name)) {
            throw UserError.input(
                    model.dir() + " is a model, not a checkpoint: its manifest does not list " + name,
                    "Remove it from the folder of checkpoints.");
        }
    }

    /** Parameters, configuration and lineage. */
    public ModelFolder model() {
        return model;
    }

    /** AdamW's first moments of all parameters, then the second. */
    public float[] readMoments() throws IOException {
        int length = Math.toIntExact(model.layout().length());
        float[] moments = new float[Math.multiplyExact(2, length)];
        for (int shard = 0; shard < shards.count(); shard++) {
            Safetensors file = model.safetensors(file(shards, shard));
            try (FSDataInputStream in = file.stream()) {
                for (ParameterLayout.Tensor tensor : shards.tensors(shard)) {
                    int offset = Math.toIntExact(tensor.offset());
                    file.read(in, shaped(file, FIRST, tensor), moments, offset);
                    file.read(in, shaped(file, SECOND, tensor), moments, length + offset);
                }
            }
        }
        return moments;
    }

    private static Safetensors.Tensor shaped(Safetensors file, String kind, ParameterLayout.Tensor tensor) {
        Safetensors.Tensor found = file.tensor(kind + tensor.name());
        if (!found.shape().equals(tensor.shape())) {
            throw UserError.input(
                    file.file() + ": tensor " + found.name() + " has shape " + found.shape() + ", by config.json "
                            + tensor.shape(),
                    "Remove the checkpoint; training goes on from the one before.");
        }
        return found;
    }

    /** What the trainer wrote of its own. */
    public byte[] training() throws IOException {
        return Storage.read(fs, new Path(model.dir(), TRAINING));
    }
}
