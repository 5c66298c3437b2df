package dev.uncurl.model;

import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Matrix;

/** Token and position embeddings, wte [V, D] and wpe [T, D]; padding is a row of zeros. */
final class Embedding {
    private final Kernels kernels;
    private final Parameter tokens;
    private final Parameter positions;
    private final int[] position;

    Embedding(Kernels kernels, Parameter.Source source, int maxTokens) {
        this.kernels = kernels;
        tokens = source.get("wte.weight");
        positions = source.get("wpe.weight");
        position = new int[maxTokens];
    }

    /** @param stream [N, D], written */
    void forward(TokenBatch batch, Matrix stream) {
        for (int i = 0; i < batch.size(); i++) {
            position[i] = batch.tokens()[i] == TokenBatch.NONE ? -1 : i % batch.columns();
        }
        kernels.gatherScatter().gather(tokens.value(), batch.tokens(), null, stream);
        kernels.gatherScatter().gatherAdd(stream, positions.value(), position, null, stream);
    }

    /** Adds to the gradient of wte, which the tied head has written, and overwrites that of wpe. */
    void backward(TokenBatch batch, Matrix dStream) {
        positions.gradient().zero();
        kernels.gatherScatter().scatterAdd(dStream, batch.tokens(), tokens.gradient());
        kernels.gatherScatter().scatterAdd(dStream, position, positions.gradient());
    }
}
