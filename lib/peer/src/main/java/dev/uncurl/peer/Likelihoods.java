package dev.uncurl.peer;

import static org.bytedeco.pytorch.global.torch.log_softmax;

import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.CRC32;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.Tensor;

/**
 * Log-likelihoods of continuations, the plain way: one sequence at a time, without padding, nothing shared. The file of
 * sequences is: int count; for each: int length, int from, int tokens[length]. The tokens from index {@code from} on, at least
 * 1, are the continuation.
 */
final class Likelihoods {
    private Likelihoods() {}

    /** Writes the CRC-32 of the file of sequences as a long, then for each sequence: double log-likelihood. */
    static void write(Request request, Path sequences, DataOutputStream out) throws IOException {
        byte[] bytes = Files.readAllBytes(sequences);
        var crc = new CRC32();
        crc.update(bytes);
        out.writeLong(crc.getValue());
        var decoder = new Decoder(request.settings(), request.parameters());
        try (var in = new DataInputStream(new ByteArrayInputStream(bytes));
                var plain = new AutoGradMode(false)) {
            int count = in.readInt();
            for (int i = 0; i < count; i++) {
                int[] tokens = new int[in.readInt()];
                int from = in.readInt();
                for (int position = 0; position < tokens.length; position++) {
                    tokens[position] = in.readInt();
                }
                out.writeDouble(logLikelihood(decoder, tokens, from));
            }
        }
    }

    private static double logLikelihood(Decoder decoder, int[] tokens, int from) {
        try (var scope = new PointerScope()) {
            int length = tokens.length - 1;
            int[] targets = Arrays.copyOfRange(tokens, 1, tokens.length);
            var batch = Batch.of(Arrays.copyOf(tokens, length), targets, 1, length);
            Tensor logits = decoder.forward(batch).logits().narrow(0, from - 1L, tokens.length - (long) from);
            Tensor logProbabilities = log_softmax(logits, 1).contiguous();
            int vocabulary = Math.toIntExact(logProbabilities.size(1));
            double sum = 0;
            for (int row = 0; row < tokens.length - from; row++) {
                sum += logProbabilities.data_ptr_float().get((long) row * vocabulary + tokens[from + row]);
            }
            return sum;
        }
    }
}
