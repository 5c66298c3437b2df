package dev.uncurl.pruning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.model.Weights;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class WeightedMeanTest {
    /** Merges as a shard is assembled, with members that come in parts of any size. */
    private static Expert merge(List<Expert> members, int[][] inverses, double[] weights, int part) throws IOException {
        var mean = new WeightedMean(members.get(0).tensors().get(0).length
                + members.get(0).tensors().get(3).length);
        float[][] tensors = new float[4][];
        for (int t = 0; t < 4; t++) {
            mean.begin(members.get(0).parts().get(t).tensor());
            for (int m = 0; m < weights.length; m++) {
                float[] values = members.get(m).tensors().get(t);
                var taker = mean.member(weights[m], t == 3 ? null : inverses[m]);
                for (int at = 0; at < values.length; at += part) {
                    int count = Math.min(part, values.length - at);
                    take(taker, Arrays.copyOf(Arrays.copyOfRange(values, at, at + count), part), count, at);
                }
            }
            tensors[t] = new float[members.get(0).tensors().get(t).length];
            for (int i = 0; i < tensors[t].length; i++) {
                tensors[t][i] = (float) mean.sum()[i];
            }
        }
        return Samples.expert(tensors);
    }

    private static void take(Weights.Values taker, float[] part, int count, int at) {
        try {
            taker.take(part, count, at);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
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
            @ForAll @IntRange(min = 1, max = 6) int copies)
            throws IOException {
        var random = new Random(seed);
        Expert expert = Samples.expert(random, width, hidden);
        List<Expert> members = IntStream.range(0, copies)
                .mapToObj(copy -> Samples.permuted(expert, Samples.permutation(random, hidden)))
                .toList();
        int[][] inverses = members.stream()
                .map(member -> NeuronAlignment.inversePermutation(Samples.alignment(expert, member)))
                .toArray(int[][]::new);
        Expert merged = merge(members, inverses, weights(random, copies), 7);
        for (int t = 0; t < 4; t++) {
            assertThat(merged.tensors().get(t)).containsExactly(expert.tensors().get(t), within(1e-6f));
        }
    }

    /**
     * To the bit what whole experts give, whatever the size of the parts. And a convex combination, exactly: rounding the sum
     * to FLOAT cannot leave the interval, whose ends are FLOAT.
     */
    @Property(tries = 100)
    void aMergeIsAConvexCombinationOfItsMembersInTheirPlaces(
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 5) int count,
            @ForAll @IntRange(min = 1, max = 4) int width,
            @ForAll @IntRange(min = 1, max = 12) int hidden,
            @ForAll @IntRange(min = 1, max = 50) int part)
            throws IOException {
        var random = new Random(seed);
        var members = new ArrayList<Expert>();
        var permuted = new ArrayList<Expert>();
        int[][] inverses = new int[count][];
        for (int m = 0; m < count; m++) {
            Expert member = Samples.expert(random, width, hidden);
            int[] order =
                    random.nextInt(3) == 0 ? IntStream.range(0, hidden).toArray() : Samples.permutation(random, hidden);
            members.add(member);
            permuted.add(Samples.permuted(member, order));
            inverses[m] = NeuronAlignment.inversePermutation(order);
        }
        double[] weights = weights(random, count);
        Expert merged = merge(members, inverses, weights, part);
        Expert expected = PlainPruning.mean(permuted, weights);
        for (int t = 0; t < 4; t++) {
            assertThat(merged.tensors().get(t)).isEqualTo(expected.tensors().get(t));
            for (int i = 0; i < merged.tensors().get(t).length; i++) {
                float low = Float.POSITIVE_INFINITY;
                float high = Float.NEGATIVE_INFINITY;
                for (Expert member : permuted) {
                    low = Math.min(low, member.tensors().get(t)[i]);
                    high = Math.max(high, member.tensors().get(t)[i]);
                }
                assertThat(merged.tensors().get(t)[i]).isBetween(low, high);
            }
        }
    }

    @Property(tries = 20)
    void aMemberAloneComesBackBitForBit(@ForAll long seed) throws IOException {
        Expert reference = Samples.expert(new Random(seed), 2, 5);
        reference.tensors().get(0)[0] = -0f;
        Expert merged = merge(List.of(reference), new int[1][], new double[] {1}, 4);
        for (int t = 0; t < 4; t++) {
            assertThat(merged.tensors().get(t)).isEqualTo(reference.tensors().get(t));
        }
        assertThat(Float.floatToRawIntBits(merged.tensors().get(0)[0])).isEqualTo(Float.floatToRawIntBits(-0f));
    }
}
