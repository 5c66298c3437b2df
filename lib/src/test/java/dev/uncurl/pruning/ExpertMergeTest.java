package dev.uncurl.pruning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class ExpertMergeTest {
    @Property(tries = 60)
    void mergingPermutedCopiesGivesTheExpertBack(
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 6) int width,
            @ForAll @IntRange(min = 1, max = 32) int hidden,
            @ForAll @IntRange(min = 1, max = 6) int copies) {
        var random = new Random(seed);
        Expert expert = Samples.expert(random, width, hidden);
        var merge = new ExpertMerge(expert, true);
        double[] weights = weights(random, copies);
        for (double weight : weights) {
            merge.add(expert.permuted(Samples.permutation(random, hidden)), weight);
        }
        for (int t = 0; t < 4; t++) {
            assertThat(merge.merged().tensors().get(t))
                    .containsExactly(expert.tensors().get(t), within(1e-6f));
        }
    }

    private static double[] weights(Random random, int count) {
        double[] weights = random.doubles(count, 0.01, 1).toArray();
        double sum = java.util.Arrays.stream(weights).sum();
        return java.util.Arrays.stream(weights).map(weight -> weight / sum).toArray();
    }

    @Property(tries = 60)
    void aMergeIsAConvexCombinationOfItsAlignedMembers(
            @ForAll long seed, @ForAll @IntRange(min = 1, max = 5) int members) {
        var random = new Random(seed);
        Expert reference = Samples.expert(random, 3, 10);
        var merge = new ExpertMerge(reference, true);
        var aligned = new Expert[members];
        double[] weights = weights(random, members);
        for (int m = 0; m < members; m++) {
            Expert member = m == 0 ? reference : Samples.expert(random, 3, 10);
            aligned[m] = m == 0 ? member : member.permuted(Alignment.permutation(reference, member));
            merge.add(member, weights[m]);
        }
        for (int t = 0; t < 4; t++) {
            float[] merged = merge.merged().tensors().get(t);
            for (int i = 0; i < merged.length; i++) {
                double mean = 0;
                double low = Double.POSITIVE_INFINITY;
                double high = Double.NEGATIVE_INFINITY;
                for (int m = 0; m < members; m++) {
                    double value = aligned[m].tensors().get(t)[i];
                    mean += weights[m] * value;
                    low = Math.min(low, value);
                    high = Math.max(high, value);
                }
                assertThat((double) merged[i]).isCloseTo(mean, within(1e-6)).isBetween(low - 1e-6, high + 1e-6);
            }
        }
    }

    @Property(tries = 20)
    void aReferenceAloneComesBackBitForBit(@ForAll long seed) {
        Expert reference = Samples.expert(new Random(seed), 2, 5);
        reference.w1()[0] = -0f;
        var merge = new ExpertMerge(reference, true);
        merge.add(reference, 1);
        merge.add(Samples.expert(new Random(~seed), 2, 5), 0);
        for (int t = 0; t < 4; t++) {
            assertThat(merge.merged().tensors().get(t))
                    .isEqualTo(reference.tensors().get(t));
        }
        assertThat(Float.floatToRawIntBits(merge.merged().w1()[0])).isEqualTo(Float.floatToRawIntBits(-0f));
    }
}
