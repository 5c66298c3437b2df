package dev.uncurl.model;

/**
 * How one MoE block routed the tokens of the last batch. Tokens are counted as in {@link TokenBatch}, row by row; it is
 * a view, overwritten by the next pass.
 *
 * <p>Logits, experts, gates and counts are what the router decided. Only {@link SmoeLanguageModel#forwardBackward} may
 * then drop choices, when the model has a capacity factor; what {@link SmoeLanguageModel#forward} shows, and so every
 * table of routing, is without drops.
 *
 * <p>In a block with a mapped router ({@link dev.uncurl.model.spec.MoeLayer}) everything here is told by router row: rows stand in
 * for experts, each with the gate of its own and the output of the expert that it leads to. So what is made from it reads
 * as it did before the pruning that mapped them. A masked row has a logit and a probability, and is never chosen.
 */
public interface RoutingView {
    /** rows x columns of the batch, padding included. */
    int tokens();

    /** E; in a mapped block R, the router's rows, masked ones too. */
    int experts();

    /** k, choices of a token in this block. */
    int topK();

    /** Router logit of {@code expert} for {@code token}; 0 for padding. */
    float logit(int token, int expert);

    /** The {@code choice}-th most probable expert, dropped or not; -1 for padding. */
    int expert(int token, int choice);

    /** The factor on that expert's output, as if none were dropped; 0 for padding. */
    float gate(int token, int choice);

    /** Whether that expert was full and the choice adds nothing; false for padding. */
    boolean dropped(int token, int choice);

    /** How many choices of all tokens were dropped. */
    int droppedAssignments();

    /** L2 norm of that expert's output, before the gate; 0 for padding and for a dropped choice. */
    float outputNorm(int token, int choice);

    /** Tokens that chose each expert [E], those that it dropped too; a copy. */
    int[] expertTokens();
}
