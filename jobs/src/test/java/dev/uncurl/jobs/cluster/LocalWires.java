package dev.uncurl.jobs.cluster;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.spark.SparkConf;
import org.apache.spark.network.sasl.SecretKeyHolder;

/** Ranks of one JVM that are connected over loopback as those of different executors are. */
final class LocalWires {
    private static final String HOST = "127.0.0.1";
    private static final AtomicLong RUNS = new AtomicLong(1);

    private LocalWires() {}

    static SparkConf conf(Map<String, String> settings) {
        var conf = new SparkConf(false).set("spark.app.id", "app-of-a-test");
        settings.forEach(conf::set);
        return conf;
    }

    static SecretKeyHolder secret(String secret) {
        return new SecretKeyHolder() {
            @Override
            public String getSaslUser(String application) {
                return "uncurl";
            }

            @Override
            public String getSecretKey(String application) {
                return secret;
            }
        };
    }

    /** Wires that listen, and are not connected. @param secrets [size] */
    static List<Wire> listening(SparkConf conf, List<Optional<SecretKeyHolder>> secrets, Duration deadline) {
        long run = RUNS.getAndIncrement();
        var wires = new ArrayList<Wire>();
        for (int rank = 0; rank < secrets.size(); rank++) {
            wires.add(new Wire(conf, secrets.get(rank), run, HOST, rank, secrets.size(), deadline, () -> false));
        }
        return wires;
    }

    static Peers peers(List<Wire> wires, int rank) {
        List<Integer> ports = wires.stream().map(Wire::port).toList();
        return new Peers(rank, Collections.nCopies(wires.size(), HOST), ports);
    }

    /** All at once, as the ranks of a stage do; throws what the first one that failed threw. */
    static void connect(List<Wire> wires) {
        ExecutorService threads = Executors.newFixedThreadPool(wires.size());
        try {
            CompletableFuture.allOf(wires.stream()
                            .map(wire ->
                                    CompletableFuture.runAsync(() -> wire.connect(peers(wires, wire.rank())), threads))
                            .toArray(CompletableFuture[]::new))
                    .join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : e;
        } finally {
            threads.shutdownNow();
        }
    }

    static List<Wire> connected(SparkConf conf, Optional<SecretKeyHolder> secret, int size, Duration deadline) {
        List<Wire> wires = listening(conf, Collections.nCopies(size, secret), deadline);
        connect(wires);
        return wires;
    }
}
