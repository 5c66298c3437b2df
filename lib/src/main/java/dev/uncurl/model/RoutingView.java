package dev.uncurl.model;

/**
 * The routing of the last batch by one MoE block. Tokens are indexed row by row, as in {@link TokenBatch}. A view that
 * the next pass overwrites.
 *
 * <p>Logits, experts, gates and counts are the router's decisions. Only {@link SmoeLanguageModel#forwardBackward} drops
 * choices, if the model has a capacity factor; after {@link SmoeLanguageModel#forward}, and so in every routing table,
 * nothing is dropped.
 *
 * <p>In a block with a mapped router ({@link dev.uncurl.model.spec.MoeLayer}) everything here is by router row instead
 * of expert: each row has its own gate and the output of the expert that it maps to. Routing data therefore has the
 * same form as before pruning. A masked row has a logit, but is never chosen. A zeroed row is chosen; its gate and
 * output are 0.
 */
public interface RoutingView {
    /** rows x columns of the batch, padding included. */
    int tokens();

    /** E; in a mapped block R, the router's rows, masked and zeroed ones too. */
    int experts();

    /** k, choices of a token in this block. */
    int topK();

    /** Router logit of {@code expert} for {@code token}; 0 for padding. */
    float logit(int token, int expert);

    /** The {@code choice}-th most probable expert, dropped or not; -1 for padding. */
    int expert(int token, int choice);

    /** The factor of that expert's output, before drops; 0 for padding and for a zeroed row. */
    float gate(int token, int choice);

    /** Whether that expert was full and the choice adds nothing; false for padding. */
    boolean dropped(int token, int choice);

    /** Number of dropped choices of all tokens. */
    int droppedAssignments();

    /** L2 norm of that expert's output, before the gate; 0 for padding, a zeroed row and a dropped choice. */
    float outputNorm(int token, int choice);

    /** Number of tokens that chose each expert [E], including dropped ones; a copy. */
    int[] expertTokens();
}
