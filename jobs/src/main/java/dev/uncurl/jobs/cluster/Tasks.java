package dev.uncurl.jobs.cluster;

import dev.uncurl.collective.LostRankException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.stream.IntStream;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.SecurityManager;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.apache.spark.network.sasl.SecretKeyHolder;

/** Connects the tasks of a barrier stage. */
final class Tasks {
    private static final int MOST_POLL_MILLIS = 250;

    private Tasks() {}

    static Wire connect(BarrierTaskContext task, Duration deadline) {
        SparkEnv env = SparkEnv.get();
        SparkConf conf = env.conf();
        SecurityManager security = env.securityManager();
        Optional<SecretKeyHolder> keys = security.isAuthenticationEnabled() ? Optional.of(security) : Optional.empty();
        String host = env.blockManager().blockManagerId().host();
        int rank = task.partitionId();
        int size = task.numPartitions();
        long run = Numbers.ofRun(conf.getAppId(), task.stageId(), task.stageAttemptNumber());
        var wire = new Wire(conf, keys, run, host, rank, size, deadline, task::isInterrupted);
        try {
            var arrival = new Arrival(task.stageId(), task.stageAttemptNumber(), rank, size, host, wire.port());
            wire.connect(peers(rank, meet(arrival, deadline)));
            return wire;
        } catch (RuntimeException e) {
            wire.close();
            throw e;
        }
    }

    /** Asks the driver until all ranks have come; the more ranks, the less often. */
    private static String[] meet(Arrival arrival, Duration deadline) {
        long end = System.nanoTime() + deadline.toNanos();
        long pause = Math.min(MOST_POLL_MILLIS, Math.max(2, arrival.size() / 4));
        while (true) {
            String[] addresses = ClusterPlugin.arrive(arrival);
            List<Integer> missing = IntStream.range(0, addresses.length)
                    .filter(rank -> addresses[rank] == null)
                    .boxed()
                    .toList();
            if (missing.isEmpty()) {
                return addresses;
            }
            if (System.nanoTime() > end) {
                throw new LostRankException(
                        missing,
                        "Ranks " + missing + " of stage " + arrival.stage() + " did not come within "
                                + deadline.toMillis() / 1000.0 + " s; rank " + arrival.rank() + " on " + arrival.host()
                                + " waits to connect",
                        null);
            }
            try {
                Thread.sleep(pause);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new CancellationException("Interrupted while rank " + arrival.rank() + " waits for others");
            }
        }
    }

    private static Peers peers(int rank, String[] addresses) {
        var hosts = new ArrayList<String>();
        var ports = new ArrayList<Integer>();
        for (String address : addresses) {
            int colon = address.lastIndexOf(':');
            hosts.add(address.substring(0, colon));
            ports.add(Integer.valueOf(address.substring(colon + 1)));
        }
        return new Peers(rank, hosts, ports);
    }
}
