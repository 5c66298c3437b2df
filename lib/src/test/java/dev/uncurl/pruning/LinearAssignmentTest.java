package dev.uncurl.pruning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class LinearAssignmentTest {
    private static double sum(double[] scores, int size, int[] columns) {
        return IntStream.range(0, size)
                .mapToDouble(i -> scores[i * size + columns[i]])
                .sum();
    }

    private static double bruteForce(double[] scores, int size, int row, int used) {
        if (row == size) {
            return 0;
        }
        double best = Double.NEGATIVE_INFINITY;
        for (int j = 0; j < size; j++) {
            if ((used & 1 << j) == 0) {
                best = Math.max(best, scores[row * size + j] + bruteForce(scores, size, row + 1, used | 1 << j));
            }
        }
        return best;
    }

    @Property(tries = 300)
    void theSumIsThatOfBruteForce(
            @ForAll long seed,
            @ForAll @IntRange(min = 0, max = 7) int size,
            @ForAll @IntRange(min = 1, max = 4) int kind) {
        var random = new Random(seed);
        double[] scores = new double[size * size];
        // kinds 1 to 3 are full of ties
        Arrays.setAll(scores, i -> kind == 4 ? random.nextGaussian() * 1e3 : random.nextInt(kind * kind));
        int[] columns = LinearAssignment.maximize(scores, size);
        assertThat(IntStream.of(columns).sorted().toArray())
                .isEqualTo(IntStream.range(0, size).toArray());
        assertThat(sum(scores, size, columns)).isCloseTo(bruteForce(scores, size, 0, 0), within(1e-9));
    }

    /** The Hungarian method in its O(n^3) matrix form, written apart from the solver. */
    private static double hungarian(double[] scores, int n) {
        double[] u = new double[n + 1];
        double[] v = new double[n + 1];
        int[] match = new int[n + 1];
        int[] way = new int[n + 1];
        for (int i = 1; i <= n; i++) {
            match[0] = i;
            int j0 = 0;
            double[] least = new double[n + 1];
            Arrays.fill(least, Double.POSITIVE_INFINITY);
            boolean[] used = new boolean[n + 1];
            do {
                used[j0] = true;
                int i0 = match[j0];
                int j1 = 0;
                double delta = Double.POSITIVE_INFINITY;
                for (int j = 1; j <= n; j++) {
                    if (!used[j]) {
                        double current = -scores[(i0 - 1) * n + j - 1] - u[i0] - v[j];
                        if (current < least[j]) {
                            least[j] = current;
                            way[j] = j0;
                        }
                        if (least[j] < delta) {
                            delta = least[j];
                            j1 = j;
                        }
                    }
                }
                for (int j = 0; j <= n; j++) {
                    if (used[j]) {
                        u[match[j]] += delta;
                        v[j] -= delta;
                    } else {
                        least[j] -= delta;
                    }
                }
                j0 = j1;
            } while (match[j0] != 0);
            do {
                int j1 = way[j0];
                match[j0] = match[j1];
                j0 = j1;
            } while (j0 != 0);
        }
        double sum = 0;
        for (int j = 1; j <= n; j++) {
            sum += scores[(match[j] - 1) * n + j - 1];
        }
        return sum;
    }

    @Property(tries = 20)
    void theSumIsThatOfTheHungarianMethodAtLargerSizes(
            @ForAll long seed, @ForAll @IntRange(min = 20, max = 150) int size) {
        var random = new Random(seed);
        double[] scores = random.doubles((long) size * size).toArray();
        assertThat(sum(scores, size, LinearAssignment.maximize(scores, size)))
                .isCloseTo(hungarian(scores, size), within(1e-9));
    }
}
