package dev.uncurl.model;

/** Takes what {@link SmoeLanguageModel#forward(TokenBatch, ExpertOutputs)} finds out about each expert of each MoE block. */
@FunctionalInterface
public interface ExpertOutputs {
    /**
     * @param layer one of {@link dev.uncurl.model.spec.ModelConfig#moeLayers()}
     * @param expert as {@link RoutingView} counts them: in a mapped block a router row, with the outputs of its expert
     * @param sum [D] of the expert's outputs, before any gate, for all tokens of the batch but padding; the taker's to keep
     */
    void take(int layer, int expert, double[] sum);
}
