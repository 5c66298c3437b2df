package dev.uncurl.pruning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.error.UserError;
import dev.uncurl.kernel.vector.VectorKernels;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AlignmentTest {
    private static double[] forward(Expert expert, double[] x) {
        int hidden = expert.neurons();
        int width = expert.tensors().get(3).length;
        double[] out = new double[width];
        for (int d = 0; d < width; d++) {
            out[d] = expert.tensors().get(3)[d];
        }
        for (int f = 0; f < hidden; f++) {
            double z = expert.tensors().get(1)[f];
            for (int d = 0; d < width; d++) {
                z += x[d] * expert.tensors().get(0)[d * hidden + f];
            }
            double active = 0.5 * z * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (z + 0.044715 * z * z * z)));
            for (int d = 0; d < width; d++) {
                out[d] += active * expert.tensors().get(2)[f * width + d];
            }
        }
        return out;
    }

    /** <W1_ref, W1 P> + <b1_ref, b1 P> + <W2_ref, P^T W2>, term by term. */
    private static double naiveScore(Expert reference, Expert permuted) {
        double score = 0;
        for (int i = 0; i < reference.tensors().get(0).length; i++) {
            score += (double) reference.tensors().get(0)[i] * permuted.tensors().get(0)[i];
            score += (double) reference.tensors().get(2)[i] * permuted.tensors().get(2)[i];
        }
        for (int i = 0; i < reference.tensors().get(1).length; i++) {
            score += (double) reference.tensors().get(1)[i] * permuted.tensors().get(1)[i];
        }
        return score;
    }

    private static Expert noisy(Expert expert, Random random, double scale) {
        return Samples.expert(
                noisy(expert.tensors().get(0), random, scale),
                noisy(expert.tensors().get(1), random, scale),
                noisy(expert.tensors().get(2), random, scale),
                noisy(expert.tensors().get(3), random, scale));
    }

    private static float[] noisy(float[] values, Random random, double scale) {
        float[] result = values.clone();
        for (int i = 0; i < result.length; i++) {
            result[i] += (float) (random.nextGaussian() * scale);
        }
        return result;
    }

    @Property(tries = 60)
    void permutingTheNeuronsNeverChangesTheFunction(
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 6) int width,
            @ForAll @IntRange(min = 1, max = 12) int hidden) {
        var random = new Random(seed);
        Expert expert = Samples.expert(random, width, hidden);
        Expert permuted = Samples.permuted(expert, Samples.permutation(random, hidden));
        double[] x = random.doubles(width, -2, 2).toArray();
        assertThat(forward(permuted, x)).containsExactly(forward(expert, x), within(1e-9));
    }

    @Property(tries = 60)
    void theAlignmentScoresHighestAndNeverBelowTheIdentity(
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 5) int width,
            @ForAll @IntRange(min = 1, max = 40) int hidden) {
        var random = new Random(seed);
        Expert reference = Samples.expert(random, width, hidden);
        Expert expert = Samples.expert(random, width, hidden);
        double aligned = naiveScore(reference, Samples.permuted(expert, Samples.alignment(reference, expert)));
        assertThat(aligned)
                .isCloseTo(Alignment.score(reference, expert, Samples.alignment(reference, expert)), within(1e-9));
        assertThat(aligned).isGreaterThanOrEqualTo(naiveScore(reference, expert) - 1e-9);
        for (int other = 0; other < 20; other++) {
            Expert shuffled = Samples.permuted(expert, Samples.permutation(random, hidden));
            assertThat(aligned).isGreaterThanOrEqualTo(naiveScore(reference, shuffled) - 1e-4);
        }
    }

    /** Scored in double, although the products of neurons are FLOAT. */
    @Property(tries = 30)
    void theAlignmentOfExpertsThatHardlyDifferIsNotBelowTheIdentity(
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 9) int width,
            @ForAll @IntRange(min = 1, max = 120) int hidden,
            @ForAll @IntRange(min = 3, max = 9) int digits) {
        var random = new Random(seed);
        Expert reference = Samples.expert(random, width, hidden);
        Expert expert = noisy(reference, random, Math.pow(10, -digits));
        double identity = naiveScore(reference, expert);
        assertThat(naiveScore(reference, Samples.permuted(expert, Samples.alignment(reference, expert))))
                .isGreaterThanOrEqualTo(identity - 1e-12 * Math.abs(identity));
    }

    @Test
    void theMemoryIsAsStatedAndCheckedBeforeItIsTaken() {
        assertThat(Alignment.bytes(4096, 2 * 1024 + 1, 1)).isEqualTo(134_250_496);
        Alignment.checkMemory(4096, 2 * 1024 + 1, 1);
        assertThatThrownBy(() -> Alignment.checkMemory(4096, 2 * 1024 + 1, 40))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("F = 4096 neurons of 2049 weights on 40 thread(s)")
                .hasMessageContaining("over the limit")
                .hasMessageContaining("UNCURL_OFFHEAP");
        assertThatThrownBy(() -> Alignment.checkMemory(30_000, 17, 1))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("2 GiB")
                .hasMessageContaining("--align off");
    }

    @ParameterizedTest
    @CsvSource({"512, 96", "1024, 128", "600, 300"})
    void thePermutationOfANoisyCopyIsRecovered(int hidden, int width) {
        var random = new Random(hidden);
        Expert reference = Samples.expert(random, width, hidden);
        int[] shuffle = Samples.permutation(random, hidden);
        Expert copy = Samples.permuted(noisy(reference, random, 0.05), shuffle);
        int[] found = Samples.alignment(reference, copy);
        int[] undone = IntStream.of(found).map(place -> shuffle[place]).toArray();
        assertThat(undone).isEqualTo(IntStream.range(0, hidden).toArray());
    }

    @Test
    void neuronsThatAreAllAlikeStayWhereTheyAre() {
        var alike = Samples.expert(new float[12], new float[4], new float[12], new float[3]);
        assertThat(Samples.alignment(alike, alike)).containsExactly(0, 1, 2, 3);
    }

    @Test
    void weightsThatAreNoNumbersAreRefused() {
        Expert reference = Samples.expert(new Random(1), 2, 3);
        Expert diverged = Samples.expert(new Random(2), 2, 3);
        diverged.tensors().get(2)[4] = Float.NaN;
        assertThatThrownBy(() -> Samples.alignment(reference, diverged)).isInstanceOf(UserError.class);
    }

    @Property(tries = 20)
    void anyNumberOfThreadsGivesTheSamePermutations(@ForAll long seed, @ForAll @IntRange(min = 2, max = 7) int count) {
        var random = new Random(seed);
        Expert reference = Samples.expert(random, 9, 40);
        List<Expert> experts = IntStream.range(0, count)
                .mapToObj(i -> Samples.expert(random, 9, 40))
                .toList();
        try (var kernels = new VectorKernels(3);
                var alignment = new Alignment(kernels, reference)) {
            for (int from = 0; from < count; from += alignment.capacity()) {
                List<Expert> some = experts.subList(from, Math.min(count, from + alignment.capacity()));
                int[][] together = alignment.permutations(some);
                for (int i = 0; i < some.size(); i++) {
                    assertThat(together[i]).isEqualTo(Samples.alignment(reference, some.get(i)));
                }
            }
        }
    }
}
