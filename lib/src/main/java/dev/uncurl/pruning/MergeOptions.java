package dev.uncurl.pruning;

import dev.uncurl.model.spec.DType;
import java.io.Serializable;
import java.util.Objects;

/**
 * Options for applying a plan to the weights of a model. They are part of the pruned model's lineage, not of the plan.
 *
 * @param router how the routers of the pruned layers are computed from those of the parent
 * @param align whether the members of a cluster are aligned to its reference before they are merged; otherwise neuron i is
 *     merged with neuron i
 * @param dtype storage type of every tensor of the pruned model. Means are rounded to FLOAT first, then all values from FLOAT
 *     to this type, to the nearest value, ties to even. So a model stored as BF16 equals the one stored as F32 with each
 *     value rounded
 */
public record MergeOptions(RouterRule router, boolean align, DType dtype) implements Serializable {
    public MergeOptions {
        Objects.requireNonNull(router, "router");
        Objects.requireNonNull(dtype, "dtype");
    }

    /** Stored as F32. */
    public MergeOptions(RouterRule router, boolean align) {
        this(router, align, DType.F32);
    }
}
