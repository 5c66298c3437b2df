package dev.uncurl.exchange;

import dev.uncurl.collective.Bounds;
import dev.uncurl.collective.Collectives;
import dev.uncurl.collective.Loopback;
import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.processor.Processor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntFunction;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Checks and times what two ranks exchange by NCCL, for {@code lib/gpu-check}. They are threads of this process, with a GPU each. The
 * expected values are computed on the Java heap, since the machine lacks ND4J's native libraries, which {@code CollectivesContract} needs.
 */
public final class ExchangeCheck {
    /** Number of ranks, and of GPUs. */
    public static final int RANKS = 2;

    /** Odd, so that slices have different lengths. */
    private static final int LENGTH = 1_000_003;

    private static final Duration DEADLINE = Duration.ofSeconds(20);
    private static final int WARM_UP = 3;
    private static final int REPEATED = 10;

    /**
     * What was found.
     *
     * @param what an operation
     * @param value elements that differ from what they must be, or a rate
     * @param unit of the value
     * @param good false if there are such elements
     */
    public record Finding(String what, double value, String unit, boolean good) {}

    private final Collectives ranks;
    private final DeviceExchange exchange;
    private final Kernels kernels;
    private final List<Finding> findings = new ArrayList<>();

    private ExchangeCheck(Collectives ranks, DeviceExchange exchange, Kernels kernels) {
        this.ranks = ranks;
        this.exchange = exchange;
        this.kernels = kernels;
    }

    /**
     * Runs all checks.
     *
     * @param gpus opens the GPU of a rank
     * @param timed floats that the timed exchanges sum up
     * @return the findings of all ranks, and the rates that the first one measured
     */
    public static List<Finding> run(IntFunction<Processor> gpus, int timed) throws InterruptedException {
        var threads = Executors.newFixedThreadPool(RANKS);
        try {
            List<Callable<List<Finding>>> work = Loopback.ranks(RANKS, DEADLINE).stream()
                    .<Callable<List<Finding>>>map(rank -> () -> rank(rank, gpus, timed))
                    .toList();
            var findings = new ArrayList<Finding>();
            for (Future<List<Finding>> one : threads.invokeAll(work)) {
                findings.addAll(one.get());
            }
            return findings;
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e);
        } finally {
            threads.shutdown();
        }
    }

    private static List<Finding> rank(Collectives rank, IntFunction<Processor> gpus, int timed) {
        try (rank;
                Processor gpu = gpus.apply(rank.rank());
                Kernels kernels = gpu.kernels(DataType.FLOAT, 1);
                var exchanges = DeviceExchanges.agree(NcclChoice.REQUIRED, gpu, rank, DEADLINE)) {
            var check = new ExchangeCheck(rank, exchanges.of(rank), kernels);
            check.sumsAndSlices();
            check.broadcast();
            check.rows();
            check.rate(timed);
            rank.barrier(); // nobody ends while the other one is at work
            return check.findings;
        }
    }

    private static float[] values(int rank, int length) {
        var random = new Random(7 + rank);
        var values = new float[length];
        for (int i = 0; i < length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    /** Number of elements from {@code from} to {@code to} that have other bits. */
    static int different(float[] actual, float[] expected, int from, int to) {
        int count = 0;
        for (int i = from; i < to; i++) {
            count += Float.floatToRawIntBits(actual[i]) == Float.floatToRawIntBits(expected[i]) ? 0 : 1;
        }
        return count;
    }

    private void found(String operation, int different) {
        String what = operation + ", rank " + ranks.rank();
        findings.add(new Finding(what, different, "elements differ", different == 0));
    }

    private void sumsAndSlices() {
        long[] bounds = Bounds.even(LENGTH, RANKS);
        var sums = new float[LENGTH];
        for (int rank = 0; rank < RANKS; rank++) {
            float[] term = values(rank, LENGTH);
            for (int i = 0; i < LENGTH; i++) {
                sums[i] = rank == 0 ? term[i] : sums[i] + term[i];
            }
        }
        int from = (int) bounds[ranks.rank()];
        int to = (int) bounds[ranks.rank() + 1];
        var actual = new float[LENGTH];
        try (FlatMemory memory = kernels.allocate(DataType.FLOAT, LENGTH)) {
            memory.write(0, values(ranks.rank(), LENGTH), LENGTH);
            exchange.reduceScatter(memory, 0, bounds);
            exchange.finish();
            memory.read(0, actual, LENGTH);
            found("reduceScatter", different(actual, sums, from, to));
            exchange.allGather(memory, 0, bounds);
            exchange.finish();
            memory.read(0, actual, LENGTH);
            found("allGather", different(actual, sums, 0, LENGTH));
        }
    }

    private void broadcast() {
        int root = RANKS - 1;
        var actual = new float[LENGTH];
        try (FlatMemory memory = kernels.allocate(DataType.FLOAT, LENGTH)) {
            memory.write(0, values(ranks.rank(), LENGTH), LENGTH);
            exchange.broadcast(memory, 0, LENGTH, root);
            exchange.finish();
            memory.read(0, actual, LENGTH);
            found("broadcast", different(actual, values(root, LENGTH), 0, LENGTH));
        }
    }

    /** Elements that a rank sends to another: of every pair another number. */
    private static int count(int from, int to) {
        return 5_000 + 3_000 * from + 1_000 * to;
    }

    private void rows() {
        var sendCounts = new long[RANKS];
        var receiveCounts = new long[RANKS];
        int sent = 0;
        int received = 0;
        for (int other = 0; other < RANKS; other++) {
            sendCounts[other] = count(ranks.rank(), other);
            receiveCounts[other] = count(other, ranks.rank());
            sent += sendCounts[other];
            received += receiveCounts[other];
        }
        var expected = new float[received];
        for (int other = 0, to = 0; other < RANKS; other++) {
            float[] theirs = values(other, count(other, 0) + count(other, 1));
            int from = ranks.rank() == 0 ? 0 : count(other, 0);
            System.arraycopy(theirs, from, expected, to, (int) receiveCounts[other]);
            to += receiveCounts[other];
        }
        var actual = new float[received];
        try (FlatMemory source = kernels.allocate(DataType.FLOAT, sent);
                FlatMemory target = kernels.allocate(DataType.FLOAT, received)) {
            source.write(0, values(ranks.rank(), sent), sent);
            exchange.allToAll(
                    Matrix.of(source, 0, 1, sent), sendCounts, Matrix.of(target, 0, 1, received), receiveCounts);
            exchange.finish();
            target.read(0, actual, received);
            found("allToAll", different(actual, expected, 0, received));
        }
    }

    /** What a step does with gradients: sums of slices, then all slices. */
    private void rate(int length) {
        long[] bounds = Bounds.even(length, RANKS);
        try (FlatMemory memory = kernels.allocate(DataType.FLOAT, length)) {
            exchange.reserve(bounds[1]);
            long start = 0;
            for (int i = 0; i < WARM_UP + REPEATED; i++) {
                if (i == WARM_UP) {
                    ranks.barrier();
                    start = System.nanoTime();
                }
                exchange.reduceScatter(memory, 0, bounds);
                exchange.allGather(memory, 0, bounds);
                exchange.finish();
            }
            ranks.barrier();
            double seconds = (System.nanoTime() - start) / 1e9 / REPEATED;
            double bytes = 2.0 * (RANKS - 1) / RANKS * length * Float.BYTES;
            if (ranks.rank() == 0) {
                findings.add(new Finding("sum and gathering of " + length + " floats", seconds * 1e3, "ms", true));
                findings.add(new Finding("the same, sent by each rank", bytes / seconds / 1e9, "GB/s", true));
            }
        }
    }
}
