package dev.uncurl.config;

import static dev.uncurl.config.Check.check;

import java.util.stream.IntStream;

/**
 * The shape of a GPT-2 decoder with experts.
 *
 * @param layers L, number of blocks
 * @param width D, width of the residual stream
 * @param heads H, attention heads; D must be a multiple
 * @param feedForward F, hidden neurons of a feed-forward network or expert
 * @param vocabulary V, number of token ids
 * @param sequenceLength T, longest sequence (learned positions)
 * @param moe the mixture of experts
 */
public record ModelConfig(
        int layers, int width, int heads, int feedForward, int vocabulary, int sequenceLength, MoeConfig moe)
        implements java.io.Serializable {
    public ModelConfig {
        check(layers >= 1, "layers", layers, "1 or more");
        check(width >= 1, "width", width, "1 or more");
        check(heads >= 1 && width % heads == 0, "heads", heads, "a divisor of width = " + width);
        check(feedForward >= 1, "feed-forward", feedForward, "1 or more");
        check(vocabulary >= 2, "vocabulary", vocabulary, "2 or more");
        check(sequenceLength >= 2, "sequence-length", sequenceLength, "2 or more");
        check(moe != null, "moe", "nothing", "a block of settings, experts = 0 for a dense model");
    }

    /** Whether block {@code layer} (counted from 0) has experts in place of the dense feed-forward network. */
    public boolean isMoe(int layer) {
        return moe.experts() > 0 && layer % moe.every() == moe.every() - 1;
    }

    /** The blocks that have experts, in ascending order. */
    public int[] moeLayers() {
        return IntStream.range(0, layers).filter(this::isMoe).toArray();
    }

    public ModelConfig withExperts(int count) {
        return new ModelConfig(layers, width, heads, feedForward, vocabulary, sequenceLength, moe.withExperts(count));
    }
}
