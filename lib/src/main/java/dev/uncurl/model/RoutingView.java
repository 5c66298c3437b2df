package dev.uncurl.model;

/**
 * How one MoE block routed the tokens of the last batch. Tokens are counted as in {@link TokenBatch}, row by row; it is
 * a view, overwritten by the next pass.
 */
public interface RoutingView {
    /** rows x columns of the batch, padding included. */
    int tokens();

    int experts();

    int topK();

    /** Router logit of {@code expert} for {@code token}; 0 for padding. */
    float logit(int token, int expert);

    /** The {@code choice}-th most probable expert, or -1 for padding. */
    int expert(int token, int choice);

    /** The factor on that expert's output; 0 for padding. */
    float gate(int token, int choice);

    /** L2 norm of that expert's output, before the gate; 0 for padding. */
    float outputNorm(int token, int choice);

    /** Softmax of the logits at {@code expert}; 0 for padding. */
    float probability(int token, int expert);

    /** Tokens that each expert received [E]; a copy. */
    int[] expertTokens();
}
