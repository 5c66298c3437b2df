package dev.uncurl.torch;

import dev.uncurl.dl4j.FusedAdamW;
import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.CheckedOutputStream;

/**
 * What the libtorch peer is to compute, and the file that it reads (format: {@code dev.uncurl.peer.Request}).
 *
 * @param parameters flat, in the order of {@link ParameterLayout}
 * @param batches all of one shape; steps take them in turn
 * @param optimizer the peer's training steps
 */
public record TorchRequest(ModelConfig config, float[] parameters, List<TokenBatch> batches, Optimizer optimizer) {

    /**
     * AdamW for both sides.
     *
     * @param steps how many, and where the cosine ends
     * @param maximumNorm 0 leaves gradients as they are
     */
    public record Optimizer(int steps, double learningRate, int warmup, double weightDecay, double maximumNorm) {
        private static final double BETA1 = 0.9;
        private static final double BETA2 = 0.95;
        private static final double EPSILON = 1e-8;

        /** Ours. */
        public FusedAdamW updater() {
            return new FusedAdamW(learningRate)
                    .withBetas(BETA1, BETA2)
                    .withEpsilon(EPSILON)
                    .withSchedule(warmup, steps, learningRate / 10)
                    .withWeightDecay(weightDecay)
                    .withMaximumGradientNorm(maximumNorm);
        }

        private void write(DataOutputStream out) throws IOException {
            for (double value : new double[] {BETA1, BETA2, EPSILON, weightDecay, maximumNorm}) {
                out.writeDouble(value);
            }
            out.writeInt(steps);
            var updater = updater();
            for (int step = 0; step < steps; step++) {
                out.writeDouble(updater.getLearningRate(step, 0));
            }
        }
    }

    private void write(OutputStream file) throws IOException {
        var out = new DataOutputStream(file);
        out.writeInt(config.heads());
        out.writeInt(config.moe().topK());
        out.writeBoolean(config.moe().renormalize());
        out.writeDouble(config.moe().balanceLoss());
        out.writeDouble(config.moe().zLoss());
        var tensors = ParameterLayout.of(config).tensors();
        out.writeInt(tensors.size());
        for (var tensor : tensors) {
            out.writeUTF(tensor.name());
            out.writeInt(tensor.shape().size());
            for (int dimension : tensor.shape()) {
                out.writeInt(dimension);
            }
            int length = Math.toIntExact(tensor.length());
            var values = ByteBuffer.allocate(length * Float.BYTES);
            values.asFloatBuffer().put(parameters, Math.toIntExact(tensor.offset()), length);
            out.write(values.array());
        }
        out.writeInt(batches.size());
        out.writeInt(batches.get(0).rows());
        out.writeInt(batches.get(0).columns());
        for (TokenBatch batch : batches) {
            write(out, batch.tokens());
            write(out, batch.targets());
        }
        optimizer.write(out);
        out.flush();
    }

    void write(Path file) throws IOException {
        try (var out = new BufferedOutputStream(Files.newOutputStream(file))) {
            write(out);
        }
    }

    private static void write(DataOutputStream out, int[] values) throws IOException {
        for (int value : values) {
            out.writeInt(value);
        }
    }

    /** CRC-32 of the file, with which answers begin. */
    long checksum() throws IOException {
        var file = new CheckedOutputStream(OutputStream.nullOutputStream(), new CRC32());
        write(new BufferedOutputStream(file));
        return file.getChecksum().getValue();
    }
}
