package dev.uncurl.model;

import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Matrix;

/** Token and position embeddings, wte [V, D] and wpe [T, D]. The embedding of padding is zero. */
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

    /**
     * Writes the sum of token and position embeddings.
     *
     * @param stream [N, D], overwritten
     */
    void forward(TokenBatch batch, Matrix stream) {
        for (int i = 0; i < batch.size(); i++) {
            position[i] = batch.tokens()[i] == TokenBatch.NONE ? -1 : i % batch.columns();
        }
        forward(batch.tokens(), position, stream);
    }

    /** As above, for tokens [N] at any positions [N]. */
    void forward(int[] ids, int[] places, Matrix stream) {
        kernels.gatherScatter().gather(tokens.value(), ids, null, stream);
        kernels.gatherScatter().gatherAdd(stream, positions.value(), places, null, stream);
    }

    /**
     * Adds to the gradient of wte, to which the tied output head has already written, and overwrites the gradient of
     * wpe.
     */
    void backward(TokenBatch batch, Matrix dStream) {
        positions.gradient().zero();
        kernels.gatherScatter().scatterAdd(dStream, batch.tokens(), tokens.gradient());
        kernels.gatherScatter().scatterAdd(dStream, position, positions.gradient());
    }
}
