package dev.uncurl.pruning;

import dev.uncurl.model.spec.DType;
import java.io.Serializable;
import java.util.Objects;

/**
 * How a plan is applied to the weights. These choices belong to the pruned model, not to the plan.
 *
 * @param router how the routers of the pruned layers come from the old ones
 * @param align whether the members of a cluster are aligned to its reference before they are merged; else neuron i of
 *     one is merged with neuron i of the other
 * @param dtype in which every tensor of the pruned model is stored. Means are rounded to FLOAT first, and all values from
 *     FLOAT to this type, to the nearest and of two equally near to the even one, so that a model stored as BF16 is the one
 *     stored as F32 with each value rounded
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
