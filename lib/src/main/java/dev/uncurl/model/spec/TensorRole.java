package dev.uncurl.model.spec;

/** What a tensor is for, as far as it matters to those who handle models without computing with them. */
public enum TensorRole {
    /** One row for each expert of the layer: the router's matrix [E, D], or its bias [E]. */
    ROUTER,
    /** The matrix of an expert whose product is passed through the activation and gates the other: SwiGLU's gate. */
    EXPERT_GATE,
    /** The first matrix of an expert, from the residual stream to its hidden neurons. */
    EXPERT_UP,
    /** The bias of the hidden neurons, one value each. */
    EXPERT_UP_BIAS,
    /** The last matrix of an expert, from its hidden neurons to the residual stream. */
    EXPERT_DOWN,
    /** The bias of an expert's output, which has no neurons. */
    EXPERT_DOWN_BIAS,
    /** Anything else: embeddings, norms, attention, dense feed-forward networks, shared experts. */
    OTHER;

    /** Whether the tensor is a part of one expert. */
    public boolean isExpert() {
        return this != ROUTER && this != OTHER;
    }
}
