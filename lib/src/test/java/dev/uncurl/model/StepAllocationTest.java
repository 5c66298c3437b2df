package dev.uncurl.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.uncurl.kernel.vector.VectorKernels;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/**
 * What a training step leaves on the Java heap does not grow with its tokens. Measured in processes of their own, as a run of
 * training is one: in a process that has run other tests the compiler has seen other kernels, and may inline less.
 */
@Tag("slow")
class StepAllocationTest {
    private static final int LENGTH = 64;
    /** A boxed vector has some 100 bytes, and a token passes hundreds; until the loops are compiled all are boxed. */
    private static final double MOST = 16;
    /** What is inlined varies from process to process a little. */
    private static final int PROCESSES = 3;

    /** Runs in a process of its own: prints the bytes a token and step, when they are few or a minute has passed. */
    static final class Measurement {
        private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

        private Measurement() {}

        public static void main(String[] arguments) {
            var config = new ModelConfig(2, 64, 4, 128, 97, LENGTH, new MoeConfig(4, 2, 2, true, 0.01, 0.001, 0));
            var random = new Random(1);
            TokenBatch small = batch(random, 8);
            TokenBatch large = batch(random, 24);
            int length = (int) ParameterLayout.of(config).length();
            double[] values = random.doubles(length, -0.1, 0.1).toArray();
            try (var kernels = new VectorKernels(1);
                    var model = SmoeLanguageModel.forTraining(
                            kernels,
                            config,
                            Nd4j.createFromArray(values).castTo(DataType.FLOAT),
                            Nd4j.create(DataType.FLOAT, length),
                            large.size())) {
                long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
                double perToken;
                do {
                    perToken = (double) (bytes(model, large) - bytes(model, small)) / (large.size() - small.size());
                } while (Math.abs(perToken) > MOST && System.nanoTime() < end);
                System.out.println(Math.abs(perToken));
            }
        }

        private static TokenBatch batch(Random random, int rows) {
            int[] tokens = random.ints((long) rows * LENGTH, 0, 97).toArray();
            int[] targets = random.ints((long) rows * LENGTH, 0, 97).toArray();
            return new TokenBatch(tokens, targets, rows, LENGTH);
        }

        private static long bytes(SmoeLanguageModel model, TokenBatch batch) {
            int steps = 10;
            long before = THREADS.getCurrentThreadAllocatedBytes();
            for (int step = 0; step < steps; step++) {
                model.forwardBackward(batch);
            }
            return (THREADS.getCurrentThreadAllocatedBytes() - before) / steps;
        }
    }

    @Test
    void onceTheLoopsAreCompiledAStepsGarbageDoesNotGrowWithItsTokens(@TempDir Path folder) throws Exception {
        double least = Double.POSITIVE_INFINITY;
        for (int process = 0; process < PROCESSES && least > MOST; process++) {
            least = Math.min(least, measure(folder.resolve("output" + process)));
        }
        assertThat(least).as("bytes a token and step").isLessThanOrEqualTo(MOST);
    }

    /** By the options of this process, which are those of java17.options. */
    private static double measure(Path output) throws IOException, InterruptedException {
        var line = new ArrayList<String>();
        line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(option -> !option.startsWith("-javaagent"))
                .forEach(line::add);
        line.addAll(List.of("-cp", System.getProperty("java.class.path"), Measurement.class.getName()));
        var process = new ProcessBuilder(line)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        assertThat(process.waitFor(3, TimeUnit.MINUTES)).isTrue();
        String said = Files.readString(output);
        assertThat(process.exitValue()).as(said).isZero();
        return Double.parseDouble(said.lines().reduce((before, last) -> last).orElseThrow());
    }
}
