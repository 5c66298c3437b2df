package dev.uncurl.jobs.cluster;

import dev.uncurl.bench.BestOf;
import dev.uncurl.collective.Collectives;
import dev.uncurl.collective.Crew;
import dev.uncurl.collective.FloatRange;
import dev.uncurl.collective.Loopback;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.spark.SparkConf;
import org.apache.spark.network.sasl.SecretKeyHolder;
import org.junit.jupiter.api.Test;

/**
 * Measures collectives; only timings, so no test. Run it by name:
 * {@code mvn -pl lib,jobs test -Dtest=CollectivesBench -Dsurefire.failIfNoSpecifiedTests=false}
 *
 * <p>Two ranks of one process sum 64 MB over loopback, beside two sockets that exchange the same bytes both ways without
 * adding anything: plain, authenticated, and encrypted. The best of {@link BestOf#REPEATS} counts.
 */
final class CollectivesBench {
    private static final int WARM_UP = 10;
    private static final long FLOATS = 1 << 24;
    private static final Duration DEADLINE = Duration.ofSeconds(60);

    private static void print(String format, Object... values) {
        System.out.printf(Locale.ROOT, format + "%n", values);
    }

    /** What is timed. */
    private interface Work {
        void run(Collectives ranks);
    }

    /** Seconds of the fastest run of rank 0, all ranks beginning together. */
    private static double best(List<? extends Collectives> ranks, Work work) {
        return Crew.run(ranks, one -> {
                    double best = Double.POSITIVE_INFINITY;
                    for (int i = -WARM_UP; i < BestOf.REPEATS; i++) {
                        one.barrier();
                        long start = System.nanoTime();
                        work.run(one);
                        best = i < 0 ? best : Math.min(best, (System.nanoTime() - start) / 1e9);
                    }
                    return best;
                })
                .get(0);
    }

    @Test
    void measure() throws Exception {
        double bytes = FLOATS * Float.BYTES;
        double sockets = sockets((int) (FLOATS * Float.BYTES));
        print("sockets, 64 MB each way: %.1f ms, %.2f GB/s", sockets * 1e3, bytes / 1e9 / sockets);
        report("threads of one JVM", Loopback.ranks(2, DEADLINE), Loopback.ranks(2, DEADLINE), sockets);
        SparkConf plain = LocalWires.conf(Map.of());
        SparkConf encrypted = LocalWires.conf(Map.of("spark.network.crypto.enabled", "true"));
        report("Spark's transport", wires(plain, false), wires(plain, false), sockets);
        report("encrypted, AES-CTR", wires(encrypted, true), wires(encrypted, true), sockets);
    }

    private static List<SparkTransport> wires(SparkConf conf, boolean secret) {
        var keys = secret ? Optional.of(LocalWires.secret("of a bench")) : Optional.<SecretKeyHolder>empty();
        return LocalWires.connected(conf, keys, 2, DEADLINE).stream()
                .map(SparkTransport::over)
                .toList();
    }

    private static void report(
            String name, List<? extends Collectives> large, List<? extends Collectives> small, double sockets) {
        var values = List.of(FloatRange.allocate(FLOATS), FloatRange.allocate(FLOATS));
        double sum = best(large, ranks -> ranks.allReduce(values.get(ranks.rank())));
        double number = best(small, ranks -> {
            for (int i = 0; i < 100; i++) {
                ranks.sum(new double[1]);
            }
        });
        print(
                "%s: allReduce of 64 MB %.1f ms, %.2f GB/s each way, %.2f of sockets; sum of one number %.0f us",
                name, sum * 1e3, FLOATS * Float.BYTES / 1e9 / sum, sockets / sum, number * 1e4);
    }

    /** Seconds in which two sockets exchange this many bytes each way. */
    private static double sockets(int bytes) throws IOException {
        try (ServerSocketChannel server = ServerSocketChannel.open().bind(new InetSocketAddress("127.0.0.1", 0));
                SocketChannel one = SocketChannel.open(server.getLocalAddress());
                SocketChannel other = server.accept()) {
            one.setOption(StandardSocketOptions.TCP_NODELAY, true);
            other.setOption(StandardSocketOptions.TCP_NODELAY, true);
            ByteBuffer[] buffers = new ByteBuffer[4];
            for (int i = 0; i < buffers.length; i++) {
                buffers[i] = ByteBuffer.allocateDirect(bytes);
            }
            ExecutorService threads = Executors.newFixedThreadPool(4);
            try {
                return BestOf.seconds(() -> CompletableFuture.allOf(
                                CompletableFuture.runAsync(() -> move(buffers[0], one::write), threads),
                                CompletableFuture.runAsync(() -> move(buffers[1], one::read), threads),
                                CompletableFuture.runAsync(() -> move(buffers[2], other::write), threads),
                                CompletableFuture.runAsync(() -> move(buffers[3], other::read), threads))
                        .join());
            } finally {
                threads.shutdownNow();
            }
        }
    }

    /** One call of a channel. */
    private interface Transfer {
        int of(ByteBuffer part) throws IOException;
    }

    /** Moves a whole buffer, a megabyte at a time. */
    private static void move(ByteBuffer buffer, Transfer transfer) {
        try {
            for (int start = 0; start < buffer.capacity(); start += 1 << 20) {
                ByteBuffer part = buffer.slice(start, Math.min(1 << 20, buffer.capacity() - start));
                while (part.hasRemaining()) {
                    if (transfer.of(part) < 0) {
                        throw new EOFException("The other socket was closed");
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("The sockets of the benchmark failed", e);
        }
    }
}
