package dev.uncurl.model.spec;

/** The role of a tensor, as far as code needs it that prunes models but does not run them. */
public enum TensorRole {
    /** One row for each expert of the layer: the router's matrix [E, D], or its bias [E]. */
    ROUTER,
    /** The gate matrix of a SwiGLU expert: silu(x Wg^T) multiplies the product of the other matrix. */
    EXPERT_GATE,
    /** The first matrix of an expert, from the residual stream to its hidden neurons. */
    EXPERT_UP,
    /** The bias of the hidden neurons, one value each. */
    EXPERT_UP_BIAS,
    /** The last matrix of an expert, from its hidden neurons to the residual stream. */
    EXPERT_DOWN,
    /** The bias of an expert's output; it has no hidden neurons. */
    EXPERT_DOWN_BIAS,
    /** Anything else: embeddings, norms, attention, dense feed-forward networks, shared experts. */
    OTHER;

    /** Whether the tensor belongs to one expert. */
    public boolean isExpert() {
        return this != ROUTER && this != OTHER;
    }
}
