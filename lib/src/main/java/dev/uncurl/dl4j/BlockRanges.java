package dev.uncurl.dl4j;

import dev.uncurl.model.spec.ElementRange;
import dev.uncurl.model.spec.ExpertShare;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.util.List;
import java.util.stream.Stream;

/**
 * Where a rank's flat parameters have the L blocks of the model. First come the tensors that all ranks have: embeddings, blocks,
 * final norm, which counts as a part of the last block here. If experts are divided, those of this rank follow, by blocks.
 *
 * @param common [L + 1] where each block begins among the tensors that all ranks have, and where these end
 * @param experts [L + 1] where the rank's experts of each block begin, and where they end; all the same if they are not divided
 */
record BlockRanges(long[] common, long[] experts) {
    static BlockRanges of(ModelConfig config, ExpertShare share) {
        var layout = ParameterLayout.of(config, share);
        int layers = config.layers();
        long[] common = new long[layers + 1];
        long[] experts = new long[layers + 1];
        common[layers] = layout.common();
        experts[layers] = layout.length();
        for (int layer = layers - 1; layer >= 0; layer--) {
            common[layer] =
                    layout.tensor(ParameterLayout.block(layer) + "ln_1.weight").offset();
            experts[layer] = experts[layer + 1];
            if (!share.isAll() && config.isMoe(layer)) {
                int first = share.from(config.moe().layer(layer).experts());
                String name = ParameterLayout.expert(layer, first) + ParameterLayout.FEED_FORWARD.get(0);
                experts[layer] = layout.tensor(name).offset();
            }
        }
        return new BlockRanges(common, experts);
    }

    /** The tensors of one block: one range or two. */
    List<ElementRange> of(int layer) {
        return Stream.of(
                        new ElementRange(common[layer], common[layer + 1]),
                        new ElementRange(experts[layer], experts[layer + 1]))
                .filter(range -> range.length() > 0)
                .toList();
    }

    /** The tensors before all blocks. */
    ElementRange embeddings() {
        return new ElementRange(0, common[0]);
    }

    /** The tensors that all ranks have. */
    ElementRange shared() {
        return new ElementRange(0, common[common.length - 1]);
    }

    /** The experts of this rank; of length 0 if they are not divided. */
    ElementRange own() {
        return new ElementRange(common[common.length - 1], experts[experts.length - 1]);
    }
}
