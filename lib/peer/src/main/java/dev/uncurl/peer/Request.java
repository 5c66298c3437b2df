package dev.uncurl.peer;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import org.bytedeco.pytorch.Tensor;

/**
 * A model, batches and an optimiser as a request file has them. The file is what {@link java.io.DataOutputStream}
 * writes, in this order:
 *
 * <pre>
 * int heads, topK; boolean renormalize; double balanceLoss, zLoss
 * int tensors; for each: UTF name, int rank, int dimensions[rank], float values[]
 * int batches, B, T; for each batch: int tokens[B*T], targets[B*T]      -1: padding, nothing to predict
 * double beta1, beta2, epsilon, weightDecay, maximumNorm (0: no clipping); int steps; double learningRates[steps]
 * </pre>
 *
 * Names and orientation of the tensors are those of {@code dev.uncurl.model.ParameterLayout}.
 *
 * @param checksum CRC-32 of the file
 */
record Request(
        long checksum,
        Settings settings,
        Map<String, Tensor> parameters,
        Batch[] batches,
        Coefficients coefficients,
        double[] rates) {

    /** What the shapes of the tensors do not tell. */
    record Settings(int heads, int topK, boolean renormalize, double balanceLoss, double zLoss) {}

    /** @param maximumNorm 0 leaves gradients as they are */
    record Coefficients(double beta1, double beta2, double epsilon, double weightDecay, double maximumNorm) {}

    static Request read(Path file) throws IOException {
        var crc = new CRC32();
        try (var in =
                new DataInputStream(new CheckedInputStream(new BufferedInputStream(Files.newInputStream(file)), crc))) {
            var settings = new Settings(in.readInt(), in.readInt(), in.readBoolean(), in.readDouble(), in.readDouble());
            var parameters = parameters(in);
            Batch[] batches = batches(in);
            var coefficients = new Coefficients(
                    in.readDouble(), in.readDouble(), in.readDouble(), in.readDouble(), in.readDouble());
            double[] rates = new double[in.readInt()];
            for (int step = 0; step < rates.length; step++) {
                rates[step] = in.readDouble();
            }
            if (in.read() != -1) {
                throw new IOException(file + " goes on after its end");
            }
            return new Request(crc.getValue(), settings, parameters, batches, coefficients, rates);
        }
    }

    private static Map<String, Tensor> parameters(DataInputStream in) throws IOException {
        var parameters = new LinkedHashMap<String, Tensor>();
        int count = in.readInt();
        for (int i = 0; i < count; i++) {
            String name = in.readUTF();
            long[] shape = new long[in.readInt()];
            int length = 1;
            for (int dimension = 0; dimension < shape.length; dimension++) {
                shape[dimension] = in.readInt();
                length = Math.multiplyExact(length, (int) shape[dimension]);
            }
            float[] values = new float[length];
            ByteBuffer.wrap(in.readNBytes(length * Float.BYTES)).asFloatBuffer().get(values);
            parameters.put(name, Tensor.create(values, shape).set_requires_grad(true));
        }
        return parameters;
    }

    private static Batch[] batches(DataInputStream in) throws IOException {
        var batches = new Batch[in.readInt()];
        int rows = in.readInt();
        int columns = in.readInt();
        for (int i = 0; i < batches.length; i++) {
            int[] tokens = ints(in, rows * columns);
            batches[i] = Batch.of(tokens, ints(in, rows * columns), rows, columns);
        }
        return batches;
    }

    private static int[] ints(DataInputStream in, int length) throws IOException {
        int[] values = new int[length];
        ByteBuffer.wrap(in.readNBytes(length * Integer.BYTES)).asIntBuffer().get(values);
        return values;
    }
}
