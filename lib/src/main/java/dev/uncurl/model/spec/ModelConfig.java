package dev.uncurl.model.spec;

import static dev.uncurl.config.Check.check;

import dev.uncurl.config.Range;
import java.util.List;
import java.util.SortedMap;
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
        Range.LAYERS.check(layers);
        Range.WIDTH.check(width);
        Range.HEADS.check(heads);
        check(width % heads == 0, "heads", heads, "a divisor of width = " + width);
        Range.FEED_FORWARD.check(feedForward);
        Range.VOCABULARY.check(vocabulary);
        Range.SEQUENCE_LENGTH.check(sequenceLength);
        check(moe != null, "moe", "nothing", "a block of settings, experts = 0 for a dense model");
        if (!moe.byLayer().isEmpty()) {
            checkBlocks(moe.byLayer(), layers, moe.every());
            check(
                    !isUniform(moe.byLayer()),
                    "moe.by-layer",
                    moe.byLayer(),
                    "nothing: all blocks are alike and unmapped");
        }
    }

    /** @param layers L, or 0 in a dense model */
    private static void checkBlocks(SortedMap<Integer, MoeLayer> byLayer, int layers, int every) {
        List<Integer> expected = IntStream.range(0, layers)
                .filter(layer -> layer % every == every - 1)
                .boxed()
                .toList();
        check(
                List.copyOf(byLayer.keySet()).equals(expected),
                "moe.by-layer",
                byLayer.keySet(),
                "exactly the blocks with experts, " + expected);
    }

    private static boolean isUniform(SortedMap<Integer, MoeLayer> layers) {
        return layers.values().stream().distinct().count() == 1
                && !layers.get(layers.firstKey()).isMapped();
    }

    /** Whether block {@code layer} (counted from 0) has experts in place of the dense feed-forward network. */
    public boolean isMoe(int layer) {
        return moe.experts() > 0 && layer % moe.every() == moe.every() - 1;
    }

    /** The blocks that have experts, in ascending order. */
    public int[] moeLayers() {
        return IntStream.range(0, layers).filter(this::isMoe).toArray();
    }

    /** The same shape with another number of experts in every MoE block. */
    public ModelConfig withExperts(int experts) {
        return with(moe.withExperts(experts));
    }

    /**
     * The same shape with these experts and routers. If all are alike and unmapped, the result is the uniform model of
     * {@link #withExperts}.
     *
     * @param byLayer one for each of {@link #moeLayers()}
     * @throws dev.uncurl.error.UserError (usage) if the blocks are not those with experts
     */
    public ModelConfig withMoeLayers(SortedMap<Integer, MoeLayer> byLayer) {
        checkBlocks(byLayer, moe.experts() > 0 ? layers : 0, moe.every());
        if (byLayer.isEmpty()) {
            return this;
        }
        return isUniform(byLayer) ? withExperts(MoeConfig.mostExperts(byLayer)) : with(moe.withLayers(byLayer));
    }

    private ModelConfig with(MoeConfig mixture) {
        return new ModelConfig(layers, width, heads, feedForward, vocabulary, sequenceLength, mixture);
    }
}
