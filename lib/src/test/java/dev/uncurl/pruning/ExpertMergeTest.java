package dev.uncurl.pruning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.kernel.Kernels;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class ExpertMergeTest {
    private static Expert merge(Expert reference, boolean align, List<Expert> members, double[] weights) {
        try (var merge = new ExpertMerge(reference, align)) {
            for (int from = 0; from < members.size(); from += merge.sideBySide()) {
                int to = Math.min(members.size(), from + merge.sideBySide());
                merge.add(members.subList(from, to), Arrays.copyOfRange(weights, from, to));
            }
            return merge.merged();
        }
    }

    private static double[] weights(Random random, int count) {
        double[] weights = random.doubles(count, 0.01, 1).toArray();
        double sum = Arrays.stream(weights).sum();
        return Arrays.stream(weights).map(weight -> weight / sum).toArray();
    }

    @Property(tries = 60)
    void mergingPermutedCopiesGivesTheExpertBack(
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 6) int width,
            @ForAll @IntRange(min = 1, max = 32) int hidden,
            @ForAll @IntRange(min = 1, max = 6) int copies) {
        var random = new Random(seed);
        Expert expert = Samples.expert(random, width, hidden);
        List<Expert> members = IntStream.range(0, copies)
                .mapToObj(copy -> expert.permuted(Samples.permutation(random, hidden)))
                .toList();
        Expert merged = merge(expert, true, members, weights(random, copies));
        for (int t = 0; t < 4; t++) {
            assertThat(merged.tensors().get(t)).containsExactly(expert.tensors().get(t), within(1e-6f));
        }
    }

    /** Exactly: rounding the sum to FLOAT cannot leave the interval, whose ends are FLOAT. */
    @Property(tries = 60)
    void aMergeIsAConvexCombinationOfItsAlignedMembers(
            @ForAll long seed, @ForAll @IntRange(min = 1, max = 5) int count, @ForAll boolean align) {
        var random = new Random(seed);
        Expert reference = Samples.expert(random, 3, 10);
        var members = new ArrayList<>(List.of(reference));
        var aligned = new ArrayList<>(List.of(reference));
        for (int m = 1; m < count; m++) {
            Expert member = Samples.expert(random, 3, 10);
            members.add(member);
            aligned.add(align ? member.permuted(Samples.alignment(reference, member)) : member);
        }
        double[] weights = weights(random, count);
        Expert merged = merge(reference, align, members, weights);
        for (int t = 0; t < 4; t++) {
            for (int i = 0; i < merged.tensors().get(t).length; i++) {
                double mean = 0;
                float low = Float.POSITIVE_INFINITY;
                float high = Float.NEGATIVE_INFINITY;
                for (int m = 0; m < count; m++) {
                    float value = aligned.get(m).tensors().get(t)[i];
                    mean += weights[m] * value;
                    low = Math.min(low, value);
                    high = Math.max(high, value);
                }
                float value = merged.tensors().get(t)[i];
                assertThat(value).isBetween(low, high);
                assertThat((double) value).isCloseTo(mean, within(1e-6));
            }
        }
    }

    @Property(tries = 20)
    void anyNumberOfThreadsGivesTheSameBits(@ForAll long seed, @ForAll @IntRange(min = 2, max = 7) int count) {
        var random = new Random(seed);
        var members = new ArrayList<Expert>();
        for (int m = 0; m < count; m++) {
            members.add(Samples.expert(random, 9, 40));
        }
        double[] weights = weights(random, count);
        Expert alone = merge(members.get(0), true, members, weights);
        try {
            System.setProperty(Kernels.THREADS, "3");
            Expert together = merge(members.get(0), true, members, weights);
            for (int t = 0; t < 4; t++) {
                assertThat(together.tensors().get(t)).isEqualTo(alone.tensors().get(t));
            }
        } finally {
            System.clearProperty(Kernels.THREADS);
        }
    }

    @Property(tries = 20)
    void aReferenceAloneComesBackBitForBit(@ForAll long seed) {
        Expert reference = Samples.expert(new Random(seed), 2, 5);
        reference.w1()[0] = -0f;
        try (var merge = new ExpertMerge(reference, true)) {
            merge.add(reference, 1);
            merge.add(Samples.expert(new Random(~seed), 2, 5), 0);
            for (int t = 0; t < 4; t++) {
                assertThat(merge.merged().tensors().get(t))
                        .isEqualTo(reference.tensors().get(t));
            }
            assertThat(Float.floatToRawIntBits(merge.merged().w1()[0])).isEqualTo(Float.floatToRawIntBits(-0f));
        }
    }
}
