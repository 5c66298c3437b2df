package dev.uncurl.jobs.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.collective.Collectives;
import dev.uncurl.collective.CollectivesContract;
import dev.uncurl.collective.Crew;
import dev.uncurl.collective.FloatRange;
import dev.uncurl.collective.LostRankException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.SparkConf;
import org.apache.spark.network.sasl.SecretKeyHolder;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The contract again, with connections that are authenticated and encrypted. */
@Tag("slow")
class SecureTransportTest extends CollectivesContract {
    private static final SparkConf ENCRYPTED = LocalWires.conf(Map.of(
            "spark.authenticate", "true",
            "spark.network.crypto.enabled", "true",
            "spark.network.crypto.cipher", "AES/GCM/NoPadding"));

    @Override
    protected List<? extends Collectives> open(int size, Duration deadline) {
        return LocalWires.connected(ENCRYPTED, Optional.of(LocalWires.secret("of the application")), size, deadline)
                .stream()
                .map(SparkTransport::over)
                .toList();
    }

    @Test
    void aRankWithoutTheSecretIsRefused() {
        SecretKeyHolder right = LocalWires.secret("of the application");
        for (SparkConf conf : List.of(ENCRYPTED, LocalWires.conf(Map.of("spark.authenticate", "true")))) {
            for (Optional<SecretKeyHolder> other :
                    List.of(Optional.of(LocalWires.secret("of somebody else")), Optional.<SecretKeyHolder>empty())) {
                List<Wire> wires =
                        LocalWires.listening(conf, List.of(Optional.of(right), other), Duration.ofSeconds(5));
                try {
                    assertThatThrownBy(() -> wires.get(1).connect(LocalWires.peers(wires, 1)))
                            .isInstanceOf(LostRankException.class)
                            .hasMessageContaining("Rank 1 cannot connect to rank 0 (127.0.0.1:");
                } finally {
                    wires.forEach(Wire::close);
                }
            }
        }
    }

    @Test
    void ranksOfAnotherRunAreRefused() {
        SparkConf conf = LocalWires.conf(Map.of());
        List<Wire> one = LocalWires.listening(conf, List.of(Optional.empty(), Optional.empty()), Duration.ofSeconds(5));
        List<Wire> other =
                LocalWires.listening(conf, List.of(Optional.empty(), Optional.empty()), Duration.ofSeconds(5));
        try {
            assertThatThrownBy(() -> other.get(1).connect(LocalWires.peers(one, 1)))
                    .isInstanceOf(LostRankException.class)
                    .hasMessageContaining("another run");
        } finally {
            one.forEach(Wire::close);
            other.forEach(Wire::close);
        }
    }

    @Test
    void withoutEncryptionTheSecretAloneIsEnough() {
        List<Wire> wires = LocalWires.connected(
                LocalWires.conf(Map.of("spark.authenticate", "true")),
                Optional.of(LocalWires.secret("of the application")),
                2,
                Duration.ofSeconds(60));
        Crew.run(wires.stream().map(SparkTransport::over).toList(), ranks -> {
            ranks.allReduce(FloatRange.allocate(100_000));
            assertThat(ranks.sum(new double[] {1})).containsExactly(2);
            return null;
        });
    }
}
