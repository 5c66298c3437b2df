package dev.uncurl.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.uncurl.kernel.vector.VectorKernels;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.lang.management.ManagementFactory;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/** What a training step leaves on the Java heap does not grow with its tokens. */
class StepAllocationTest {
    private static final int LENGTH = 64;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

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

    /** A boxed vector has some 100 bytes, and a token passes hundreds; until the loops are compiled all are boxed. */
    @Test
    void onceTheLoopsAreCompiledAStepsGarbageDoesNotGrowWithItsTokens() {
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
            long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(3);
            double perToken;
            do {
                perToken = (double) (bytes(model, large) - bytes(model, small)) / (large.size() - small.size());
            } while (Math.abs(perToken) > 16 && System.nanoTime() < end);
            assertThat(Math.abs(perToken)).as("bytes a token and step").isLessThanOrEqualTo(16);
        }
    }
}
