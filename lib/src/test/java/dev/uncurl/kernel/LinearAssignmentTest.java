package dev.uncurl.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.kernel.nd4j.Nd4jKernels;
import dev.uncurl.kernel.vector.VectorAssignment;
import dev.uncurl.kernel.vector.VectorKernels;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LinearAssignmentTest {
    private static final List<LinearAssignment> SOLVERS =
            List.of(new VectorKernels().assignment(), new Nd4jKernels().assignment());

    private static double sum(double[] scores, int size, int[] columns) {
        return IntStream.range(0, size)
                .mapToDouble(i -> scores[i * size + columns[i]])
                .sum();
    }

    private static Matrix matrix(double[] scores, int size) {
        Matrix matrix = Matrix.allocate(size, size);
        matrix.write(scores);
        return matrix;
    }

    /** Kinds 1 to 3 are full of ties, 5 has equal rows and columns, as neurons that are copies of each other give. */
    private static double[] scores(Random random, int size, int kind) {
        double[] scores = new double[size * size];
        int[] alike = random.ints(2L * size, 0, size / 2 + 1).toArray();
        double[] values = random.doubles(size * size + 1L, -1e3, 1e3).toArray();
        for (int i = 0; i < scores.length; i++) {
            double score =
                    switch (kind) {
                        case 4 -> values[i];
                        case 5 -> values[alike[i / size] * (size / 2 + 1) + alike[size + i % size]];
                        default -> random.nextInt(kind * kind);
                    };
            scores[i] = (float) score;
        }
        return scores;
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

    private static void assertPermutation(int[] columns, int size) {
        assertThat(IntStream.of(columns).sorted().toArray())
                .isEqualTo(IntStream.range(0, size).toArray());
    }

    @Property(tries = 300)
    void theSumIsThatOfBruteForce(
            @ForAll long seed,
            @ForAll @IntRange(min = 0, max = 7) int size,
            @ForAll @IntRange(min = 1, max = 5) int kind) {
        double[] scores = scores(new Random(seed), size, kind);
        double best = bruteForce(scores, size, 0, 0);
        for (LinearAssignment solver : SOLVERS) {
            int[] columns = solver.maximize(matrix(scores, size));
            assertPermutation(columns, size);
            assertThat(sum(scores, size, columns)).isCloseTo(best, within(1e-9));
        }
    }

    /** The certificate, by its definition: the prices bound every assignment's sum, and this one reaches the bound. */
    private static void assertOptimal(double[] scores, int size) {
        Matrix matrix = matrix(scores, size);
        VectorAssignment.Solution solution = VectorAssignment.solve(matrix);
        double bound = Arrays.stream(solution.prices()).sum();
        double largest = 0;
        for (int i = 0; i < size; i++) {
            double profit = Double.NEGATIVE_INFINITY;
            for (int j = 0; j < size; j++) {
                profit = Math.max(profit, scores[i * size + j] - solution.prices()[j]);
                largest = Math.max(largest, Math.abs(scores[i * size + j]));
            }
            bound += profit;
        }
        assertPermutation(solution.columns(), size);
        assertThat(sum(scores, size, solution.columns())).isCloseTo(bound, within(1e-12 * size * largest));
        assertThat(VectorAssignment.solve(matrix).columns()).isEqualTo(solution.columns());
    }

    @Property(tries = 60)
    void noAssignmentIsBetterByTheDuals(
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 200) int size,
            @ForAll @IntRange(min = 1, max = 5) int kind) {
        assertOptimal(scores(new Random(seed), size, kind), size);
    }

    /** Inner products of vectors and their noisy, shuffled copies; without noise; of vectors that are all alike. */
    @ParameterizedTest
    @ValueSource(doubles = {0.5, 3, 0})
    void noAssignmentOfManyNeuronsIsBetterByTheDuals(double noise) {
        int size = 1000;
        var random = new Random(3);
        double[] left = random.doubles(size * 20L, -1, 1).toArray();
        double[] scores = new double[size * size];
        double[] shift = random.doubles(size * 20L, -noise, noise + 1e-300).toArray();
        for (int i = 0; i < size; i++) {
            for (int j = 0; j < size; j++) {
                int other = (j * 7 + 5) % size;
                float score = 0;
                for (int d = 0; d < 20; d++) {
                    score += (float) (left[i * 20 + d] * (left[other * 20 + d] + shift[other * 20 + d]));
                }
                scores[i * size + j] = score;
            }
        }
        assertOptimal(scores, size);
        Arrays.fill(scores, 2.5);
        assertOptimal(scores, size);
    }

    @Test
    void scoresThatAreNotSquareAreRefused() {
        assertThatThrownBy(() -> VectorAssignment.solve(Matrix.allocate(2, 3)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("2 x 3");
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
        double[] scores = scores(new Random(seed), size, 4);
        double best = hungarian(scores, size);
        for (LinearAssignment solver : SOLVERS) {
            assertThat(sum(scores, size, solver.maximize(matrix(scores, size)))).isCloseTo(best, within(1e-7));
        }
    }
}
