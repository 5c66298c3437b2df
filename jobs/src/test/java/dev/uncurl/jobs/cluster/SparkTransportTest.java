package dev.uncurl.jobs.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.collective.Bounds;
import dev.uncurl.collective.CollectivesContract;
import dev.uncurl.collective.Crew;
import dev.uncurl.collective.FloatRange;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("slow")
class SparkTransportTest extends CollectivesContract {
    @Override
    protected List<SparkTransport> open(int size, Duration deadline) {
        return LocalWires.connected(LocalWires.conf(Map.of()), Optional.empty(), size, deadline).stream()
                .map(SparkTransport::over)
                .toList();
    }

    @Test
    void theBytesSentAreThoseOfARing() {
        for (int size : new int[] {1, 2, 3, 5}) {
            List<Wire> wires =
                    LocalWires.connected(LocalWires.conf(Map.of()), Optional.empty(), size, Duration.ofSeconds(60));
            long length = 600_000;
            long[] even = Bounds.even(length, size);
            Crew.run(wires.stream().map(SparkTransport::over).toList(), ranks -> {
                FloatRange values = FloatRange.allocate(length);
                ranks.allReduce(values);
                Wire wire = wires.get(ranks.rank());
                long ring = 2 * (size - 1) * length / size * Float.BYTES;
                assertThat(wire.payload()).as("allReduce, %d ranks", size).isBetween(ring, ring + ring / 20);
                long before = wire.payload();
                ranks.broadcast(values, 0);
                assertThat(wire.payload() - before).as("broadcast").isLessThanOrEqualTo(length * Float.BYTES * 2);
                before = wire.payload();
                ranks.allGather(values, even);
                assertThat(wire.payload() - before).as("allGather").isEqualTo(ring / 2);
                return null;
            });
        }
    }

    @Test
    void closingEndsTheThreadsThatServeThePorts() throws Exception {
        List<Wire> wires = LocalWires.connected(LocalWires.conf(Map.of()), Optional.empty(), 3, Duration.ofSeconds(60));
        assertThat(networkThreads()).isPositive();
        Crew.run(wires.stream().map(SparkTransport::over).toList(), ranks -> {
            ranks.allReduce(FloatRange.allocate(100_000));
            return null;
        });
        // netty waits some seconds for late work before its threads end
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (networkThreads() > 0 && System.nanoTime() < end) {
            Thread.sleep(20);
        }
        assertThat(networkThreads()).isZero();
    }

    @Test
    void ranksOfAHostTakePortsOneAfterAnother() throws Exception {
        int first;
        try (ServerSocket free = new ServerSocket(0)) {
            first = free.getLocalPort();
        }
        List<Wire> wires = LocalWires.connected(
                LocalWires.conf(Map.of(Connections.PORT, first + "")), Optional.empty(), 3, Duration.ofSeconds(60));
        assertThat(wires)
                .extracting(Wire::port)
                .doesNotHaveDuplicates()
                .allMatch(port -> port >= first && port <= first + 16);
        wires.forEach(Wire::close);
    }

    private static long networkThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("uncurl-"))
                .count();
    }

    @Test
    void aTaskThatIsCancelledWaitsNoLonger() {
        var cancelled = new AtomicBoolean();
        var conf = LocalWires.conf(Map.of());
        List<Wire> wires = IntStream.range(0, 2)
                .mapToObj(rank -> new Wire(
                        conf, Optional.empty(), -1, "127.0.0.1", rank, 2, Duration.ofMinutes(5), cancelled::get))
                .toList();
        LocalWires.connect(wires);
        var ended = new CountDownLatch(1);
        assertThatThrownBy(
                        () -> Crew.run(wires.stream().map(SparkTransport::over).toList(), ranks -> {
                            if (ranks.rank() == 1) {
                                ended.await();
                                return null;
                            }
                            cancelled.set(true);
                            try {
                                ranks.barrier();
                            } finally {
                                ended.countDown();
                            }
                            return null;
                        }))
                .hasRootCauseInstanceOf(CancellationException.class)
                .hasMessageContaining("The task was cancelled: rank 0 waits in barrier");
    }

    @Test
    void thirtyTwoRanksWorkInOneJvm() {
        Crew.run(open(32, Duration.ofSeconds(60)), ranks -> {
            FloatRange values = FloatRange.allocate(1000);
            for (int step = 0; step < 30; step++) {
                ranks.allReduce(values);
                assertThat(ranks.sum(new double[] {1})).containsExactly(32);
            }
            return null;
        });
    }
}
