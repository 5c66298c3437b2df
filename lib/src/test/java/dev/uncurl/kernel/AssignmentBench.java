package dev.uncurl.kernel;

import dev.uncurl.bench.BestOf;
import dev.uncurl.kernel.vector.VectorKernels;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Measures the assignments that align experts; only timings, so no test. Run it by name:
 * {@code mvn -pl lib test -Dtest=AssignmentBench -Dsurefire.failIfNoSpecifiedTests=false} with
 * {@code -Dbench.neurons=512,1024,2048,4096}.
 *
 * <p>Of experts with D = F/4 that are noisy permutations of each other (noise of half the weights' size) and of
 * independent ones: seconds of the matrix products, of the assignment, and of SciPy's linear_sum_assignment on the same
 * scores, when python3 has it (its best case: the costs are float64 before the clock starts). Then several assignments side
 * by side on one thread and on two. The best of {@link BestOf#REPEATS} counts, after two seconds to warm up.
 */
final class AssignmentBench {
    private static final int[] NEURONS = Stream.of(
                    System.getProperty("bench.neurons", "512,1024,2048,4096").split(","))
            .mapToInt(Integer::parseInt)
            .toArray();
    private static final String SCIPY =
            """
            import sys, time
            import numpy
            from scipy.optimize import linear_sum_assignment
            n, repeats = int(sys.argv[2]), int(sys.argv[3])
            costs = -numpy.fromfile(sys.argv[1], dtype=numpy.float32).reshape(n, n).astype(numpy.float64)
            best = None
            for repeat in range(repeats):
                start = time.perf_counter()
                rows, columns = linear_sum_assignment(costs)
                seconds = time.perf_counter() - start
                best = seconds if best is None else min(best, seconds)
            print(best, repr(-costs[rows, columns].sum()))
            """;

    private static void print(String format, Object... values) {
        System.out.printf(Locale.ROOT, format + "%n", values);
    }

    /** Two experts as matrix products want them, and the scores. */
    private record Pair(Matrix in, Matrix out, Matrix otherIn, Matrix otherOut, Matrix scores) {
        static Pair of(int hidden, boolean noisy) {
            int width = hidden / 4;
            var random = new Random(hidden);
            double[] in = random.doubles((width + 1L) * hidden, -1, 1).toArray();
            double[] out = random.doubles((long) width * hidden, -1, 1).toArray();
            double[] otherIn = random.doubles((width + 1L) * hidden, -1, 1).toArray();
            double[] otherOut = random.doubles((long) width * hidden, -1, 1).toArray();
            if (noisy) {
                var order = new ArrayList<>(IntStream.range(0, hidden).boxed().toList());
                Collections.shuffle(order, random);
                for (int i = 0; i < hidden; i++) {
                    for (int d = 0; d <= width; d++) {
                        otherIn[d * hidden + i] = in[d * hidden + order.get(i)] + otherIn[d * hidden + i] / 2;
                    }
                    for (int d = 0; d < width; d++) {
                        otherOut[i * width + d] = out[order.get(i) * width + d] + otherOut[i * width + d] / 2;
                    }
                }
            }
            return new Pair(
                    matrix(in, width + 1, hidden),
                    matrix(out, hidden, width),
                    matrix(otherIn, width + 1, hidden),
                    matrix(otherOut, hidden, width),
                    matrix(new double[hidden * hidden], hidden, hidden));
        }

        private static Matrix matrix(double[] values, int rows, int columns) {
            Matrix matrix = Matrix.of(Nd4j.create(DataType.FLOAT, values.length), 0, rows, columns);
            matrix.write(values);
            return matrix;
        }

        void multiply(Kernels kernels) {
            kernels.matrixProduct().multiply(in, true, otherIn, false, 0, scores);
            kernels.matrixProduct().multiply(out, false, otherOut, true, 1, scores);
        }
    }

    @Test
    void measure() throws IOException, InterruptedException {
        assignments();
        threads();
    }

    private static void assignments() throws IOException, InterruptedException {
        print("F      experts             products s  assignment s  share of products  SciPy s  over SciPy's  sums");
        try (var kernels = new VectorKernels()) {
            for (int hidden : NEURONS) {
                for (boolean noisy : new boolean[] {true, false}) {
                    assignment(kernels, hidden, noisy);
                }
            }
        }
    }

    private static void assignment(Kernels kernels, int hidden, boolean noisy)
            throws IOException, InterruptedException {
        Pair pair = Pair.of(hidden, noisy);
        double products = BestOf.seconds(() -> pair.multiply(kernels));
        int[][] columns = new int[1][];
        double seconds = BestOf.seconds(() -> columns[0] = kernels.assignment().maximize(pair.scores));
        double[] scores = new double[hidden * hidden];
        pair.scores.read(scores);
        double sum = IntStream.range(0, hidden)
                .mapToDouble(i -> scores[i * hidden + columns[0][i]])
                .sum();
        double[] scipy = scipy(scores, hidden);
        print(
                "%-6d %-18s %11.4f %13.4f %17.0f%% %9s %13s %s",
                hidden,
                noisy ? "noisy permutations" : "independent",
                products,
                seconds,
                100 * products / (products + seconds),
                scipy == null ? "none" : String.format(Locale.ROOT, "%.4f", scipy[0]),
                scipy == null ? "" : String.format(Locale.ROOT, "%.2f", seconds / scipy[0]),
                scipy == null
                        ? ""
                        : Math.abs(scipy[1] - sum) <= 1e-9 * Math.abs(sum) ? "equal" : sum + ", " + scipy[1]);
    }

    /** Seconds and sum; null without SciPy. */
    private static double[] scipy(double[] scores, int size) throws IOException, InterruptedException {
        Path file = Files.createTempFile("scores", ".f32");
        try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            var bytes = ByteBuffer.allocate(scores.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            for (double score : scores) {
                bytes.putFloat((float) score);
            }
            channel.write(bytes.flip());
            var builder = new ProcessBuilder(
                    "python3", "-c", SCIPY, file.toString(), Integer.toString(size), Integer.toString(BestOf.REPEATS));
            Process process = builder.start();
            String answer = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (!process.waitFor(5, TimeUnit.MINUTES) || process.exitValue() != 0) {
                return null;
            }
            return Stream.of(answer.trim().replaceAll("np.float64\\(|\\)", "").split(" "))
                    .mapToDouble(Double::parseDouble)
                    .toArray();
        } finally {
            Files.delete(file);
        }
    }

    /** Four assignments between independent experts. */
    private static void threads() throws IOException, InterruptedException {
        int hidden = NEURONS[NEURONS.length - 1];
        List<Pair> pairs =
                IntStream.range(0, 4).mapToObj(i -> Pair.of(hidden, false)).toList();
        double[] seconds = new double[2];
        for (int threads = 1; threads <= 2; threads++) {
            try (var kernels = new VectorKernels(threads)) {
                kernels.parallelFor(pairs.size(), pair -> pairs.get(pair).multiply(kernels));
                seconds[threads - 1] = BestOf.seconds(() -> kernels.parallelFor(
                        pairs.size(), pair -> kernels.assignment().maximize(pairs.get(pair).scores)));
            }
        }
        print(
                "%d assignments of independent experts, F = %d: %.2f s on one thread, %.2f s on two, %.2f times as fast",
                pairs.size(), hidden, seconds[0], seconds[1], seconds[0] / seconds[1]);
    }
}
