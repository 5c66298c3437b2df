package dev.uncurl.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class InterimLooksTest {
    private static double[] ones(int count) {
        double[] ones = new double[count];
        Arrays.fill(ones, 1);
        return ones;
    }

    private static long[] each(int count) {
        return LongStream.range(0, count).toArray();
    }

    @Test
    void theChanceOfAnErrorIsSharedByTheLooks() {
        assertThat(new InterimLooks(0).confidence()).isEqualTo(0.95);
        assertThat(new InterimLooks(1).confidence()).isEqualTo(0.95);
        assertThat(new InterimLooks(4).confidence()).isEqualTo(1 - 0.05 / 4);
    }

    @Test
    void ofIndependentExamplesItIsTheMeanWithItsTextbookInterval() {
        var random = new Random(4);
        double[] x = IntStream.range(0, 200)
                .mapToDouble(i -> random.nextInt(3) - 1.2)
                .toArray();
        var look = new InterimLooks(3).look(x, ones(200), each(200));
        double mean = 0;
        for (double value : x) {
            mean += value / 200;
        }
        double variance = 0;
        for (double value : x) {
            variance += (value - mean) * (value - mean) / 199;
        }
        // three looks; z(1 - 0.05 / 6) = 2.393980
        assertThat(look.difference()).isCloseTo(mean, within(1e-12));
        assertThat(look.halfWidth()).isCloseTo(2.393980 * Math.sqrt(variance / 200), within(1e-6));
        assertThat(look.low()).isEqualTo(look.difference() - look.halfWidth());
    }

    /** Copies of an example carry no information: the interval is that of the distinct ones. */
    @Test
    void copiesInOneUnitDoNotNarrowTheInterval() {
        var random = new Random(4);
        double[] x =
                IntStream.range(0, 100).mapToDouble(i -> random.nextInt(3) - 1).toArray();
        double[] copies = IntStream.range(0, 300).mapToDouble(i -> x[i / 3]).toArray();
        long[] units = LongStream.range(0, 300).map(i -> i / 3).toArray();
        var looks = new InterimLooks(3);
        var once = looks.look(x, ones(100), each(100));
        var thrice = looks.look(copies, ones(300), units);
        assertThat(thrice.difference()).isCloseTo(once.difference(), within(1e-12));
        assertThat(thrice.halfWidth()).isCloseTo(once.halfWidth(), within(1e-12));
    }

    /** A loss per token: examples that are two halves of a longer one, in one unit, give what the longer one gives. */
    @Test
    void theErrorOfARatioIsThatOfItsResiduals() {
        var random = new Random(9);
        int count = 60;
        double[] x = IntStream.range(0, count)
                .mapToDouble(i -> random.nextGaussian() * 5)
                .toArray();
        double[] tokens = IntStream.range(0, count)
                .mapToDouble(i -> 1 + random.nextInt(40))
                .toArray();
        var look = new InterimLooks(1).look(x, tokens, each(count));
        double all = Arrays.stream(tokens).sum();
        double difference = Arrays.stream(x).sum() / all;
        assertThat(look.difference()).isCloseTo(difference, within(1e-12));
        double jackknife = 0; // leaves each example out in turn
        for (int left = 0; left < count; left++) {
            double without = (Arrays.stream(x).sum() - x[left]) / (all - tokens[left]);
            jackknife += (without - difference) * (without - difference);
        }
        double error = Math.sqrt(jackknife * (count - 1) / count);
        assertThat(look.halfWidth() / 1.959964 / error).isCloseTo(1, within(0.03));
    }

    @Test
    void withFewUnitsNothingIsDecided() {
        double[] x = new double[50];
        Arrays.fill(x, -1);
        long[] passages = LongStream.range(0, 50).map(i -> i / 3).toArray();
        var looks = new InterimLooks(3);
        assertThat(looks.look(x, ones(50), passages).isWorseBy(0.01)).isFalse();
        assertThat(looks.look(x, ones(50), each(50)).isWorseBy(0.01)).isTrue();
    }

    /** A model that is exactly as bad as the margin allows is stopped in at most 2.5% of comparisons, for all looks together. */
    @Test
    void aModelAtTheMarginIsSeldomStoppedAndAMuchWorseOneNearlyAlways() {
        assertThat(stopped(0.05, 0.05)).isLessThan(0.035);
        assertThat(stopped(0.05, 0.25)).isGreaterThan(0.95);
    }

    private static double stopped(double margin, double worse) {
        var looks = new InterimLooks(3);
        int stopped = 0;
        int runs = 2000;
        for (int run = 0; run < runs; run++) {
            var random = new Random(run);
            double[] x = IntStream.range(0, 1000)
                    .mapToDouble(i -> {
                        double draw = random.nextDouble();
                        return draw < 0.1 + worse ? -1 : draw < 0.2 + worse ? 1 : 0;
                    })
                    .toArray();
            boolean stop = false;
            for (int size : new int[] {50, 200, 800}) {
                stop |= looks.look(Arrays.copyOf(x, size), ones(size), each(size))
                        .isWorseBy(margin);
            }
            stopped += stop ? 1 : 0;
        }
        return (double) stopped / runs;
    }
}
