package dev.uncurl.jobs.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.collective.Bounds;
import dev.uncurl.collective.CollectivesContract;
import dev.uncurl.collective.Crew;
import dev.uncurl.collective.FloatRange;
import java.net.ConnectException;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
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
    void closingReleasesPortsAndThreads() throws Exception {
        List<Wire> wires = LocalWires.connected(LocalWires.conf(Map.of()), Optional.empty(), 3, Duration.ofSeconds(60));
        List<Integer> ports = wires.stream().map(Wire::port).toList();
        assertThat(networkThreads()).isPositive();
        Crew.run(wires.stream().map(SparkTransport::over).toList(), ranks -> {
            ranks.allReduce(FloatRange.allocate(100_000));
            return null;
        });
        for (int port : ports) {
            assertThatThrownBy(() -> new Socket("127.0.0.1", port).close()).isInstanceOf(ConnectException.class);
        }
        // netty waits some seconds for late work before its threads end
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (networkThreads() > 0 && System.nanoTime() < end) {
            Thread.sleep(20);
        }
        assertThat(networkThreads()).isZero();
    }

    private static long networkThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("uncurl-"))
                .count();
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
