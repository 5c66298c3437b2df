package dev.uncurl.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.collective.Collectives;
import dev.uncurl.collective.Loopback;
import dev.uncurl.model.spec.ElementRange;
import dev.uncurl.model.spec.ExpertShare;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class BucketsTest {
    private static final List<Collectives> RANKS = Loopback.ranks(4, Duration.ofSeconds(1));

    private static ModelConfig config(int layers, int every) {
        return new ModelConfig(layers, 8, 2, 16, 30, 8, new MoeConfig(4, 1, every, false, 0, 0));
    }

    /** The block of each element, in the order of the layout; -1: embeddings. The final norm belongs to the last block. */
    private static int[] blocks(ModelConfig config, ExpertShare share) {
        var layout = ParameterLayout.of(config, share);
        int[] blocks = new int[(int) layout.length()];
        for (ParameterLayout.Tensor tensor : layout.tensors()) {
            int block = tensor.name().startsWith("h.")
                    ? Integer.parseInt(tensor.name().split("\\.")[1])
                    : tensor.name().startsWith("w") ? Section.EMBEDDINGS : config.layers() - 1;
            IntStream.range(0, (int) tensor.length()).forEach(i -> blocks[(int) tensor.offset() + i] = block);
        }
        return blocks;
    }

    @Property(tries = 200)
    void sectionsAreWholeBlocksInTheOrderOfTheParameters(
            @ForAll @IntRange(min = 1, max = 7) int layers,
            @ForAll @IntRange(min = 1, max = 3) int every,
            @ForAll @IntRange(min = 0, max = 2) int halvings,
            @ForAll @IntRange(min = 1, max = 20_000) int floats) {
        ModelConfig config = config(layers, every);
        boolean divided = halvings > 0 && config.moeLayers().length > 0;
        var share = divided ? new ExpertShare(1, 1 << halvings) : ExpertShare.ALL;
        BlockRanges ranges = BlockRanges.of(config, share);
        List<Section> sections = Buckets.of(ranges, RANKS.get(1), divided ? RANKS.get(1) : null, floats);
        int[] blocks = blocks(config, share);
        long at = 0;
        for (Section section : sections) {
            ElementRange range = section.range();
            assertThat(range.from()).isEqualTo(at);
            assertThat(range.length()).isPositive();
            at = range.to();
            int[] own = IntStream.range((int) range.from(), (int) range.to())
                    .map(i -> blocks[i])
                    .toArray();
            assertThat(IntStream.of(own).min()).hasValue(section.layer());
            boolean begins = range.from() == 0 || range.from() == ranges.own().from();
            if (!begins) {
                assertThat(range.length()).isGreaterThanOrEqualTo(floats);
                assertThat(blocks[(int) range.from() - 1]).isLessThan(section.layer());
            }
            assertThat(section.bounds()).hasSize(RANKS.size() + 1);
        }
        assertThat(at).isEqualTo(blocks.length);
        for (int layer = 0; layer < layers; layer++) {
            int block = layer;
            assertThat(ranges.of(layer).stream().mapToLong(ElementRange::length).sum())
                    .isEqualTo(IntStream.of(blocks).filter(one -> one == block).count());
        }
        assertThat(ranges.embeddings().length())
                .isEqualTo(IntStream.of(blocks)
                        .filter(one -> one == Section.EMBEDDINGS)
                        .count());
    }

    @Test
    void aSmallModelIsOneSectionAndOneRankHasNoMore() {
        ModelConfig config = config(4, 2);
        BlockRanges ranges = BlockRanges.of(config, ExpertShare.ALL);
        assertThat(Buckets.of(ranges, RANKS.get(0), null, Buckets.floats(4))).hasSize(1);
        assertThat(Buckets.floats(1)).isEqualTo(Long.MAX_VALUE);
        assertThat(Buckets.floats(512)).isGreaterThan(Buckets.floats(4));
    }
}
