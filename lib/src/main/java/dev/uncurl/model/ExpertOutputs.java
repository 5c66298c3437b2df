package dev.uncurl.model;

/**
 * Receives the outputs of each expert of each MoE block from
 * {@link SmoeLanguageModel#forward(TokenBatch, ExpertOutputs)}.
 */
@FunctionalInterface
public interface ExpertOutputs {
    /**
     * @param layer one of {@link dev.uncurl.model.spec.ModelConfig#moeLayers()}
     * @param expert as in {@link RoutingView}: in a mapped block a router row, with the outputs of its expert
     * @param sum [D] of the expert's outputs, before any gate, over all tokens of the batch but padding; owned by the
     *     receiver
     */
    void take(int layer, int expert, double[] sum);
}
