package dev.uncurl.pruning;

import java.io.Serializable;
import java.util.Objects;

/**
 * How a plan is carried out on the weights. These choices belong to the pruned model, not to the plan.
 *
 * @param router how the routers of the pruned layers come from the old ones
 * @param align whether the members of a cluster are aligned to its reference before they are merged; else neuron i of
 *     one is merged with neuron i of the other
 */
public record MergeOptions(RouterRule router, boolean align) implements Serializable {
    public MergeOptions {
        Objects.requireNonNull(router, "router");
    }
}
