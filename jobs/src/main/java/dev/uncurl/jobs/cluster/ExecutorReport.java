package dev.uncurl.jobs.cluster;

import dev.uncurl.error.UserError;
import dev.uncurl.exchange.Candidate;
import dev.uncurl.machine.Machine;
import dev.uncurl.processor.Processor;
import java.io.Serializable;
import java.net.InetAddress;
import java.net.UnknownHostException;
import org.apache.hadoop.fs.Path;
import org.apache.spark.SparkEnv;
import org.apache.spark.util.SerializableConfiguration;

/**
 * What an executor finds where it runs.
 *
 * @param executor Spark's id of it; "driver" in local mode
 * @param machine null after an error
 * @param warehouse why it cannot read or write the warehouse; empty if it can
 * @param clockMillis how far its clock is ahead of the driver's
 * @param device that its tasks compute models on
 * @param link what its GPU has for exchanges with others; null without a GPU
 * @param error of a setting that the user can correct; null if there is none
 */
public record ExecutorReport(
        String executor,
        String host,
        Machine machine,
        String warehouse,
        long clockMillis,
        TaskProcessor.Description device,
        Candidate link,
        UserError error)
        implements Serializable {
    private static final int QUESTIONS = 3;

    /** In a task. @param folder of the trial, see {@link WarehouseTrial} */
    static ExecutorReport here(String folder, String token, SerializableConfiguration hadoop) {
        String executor = SparkEnv.get().executorId();
        String host = SparkEnv.get().blockManager().blockManagerId().host();
        Machine machine = null;
        var device = TaskProcessor.Description.UNKNOWN;
        Candidate link = null;
        UserError error = null;
        try (Processor processor = TaskProcessor.open()) {
            device = TaskProcessor.Description.of(processor);
            link = processor.isHost() ? null : Candidate.of(processor);
            machine = Machine.here();
        } catch (UserError e) { // if the task threw it, Spark would try again and lose its cause
            error = e;
        }
        String warehouse = WarehouseTrial.answer(new Path(folder), token, executor, hadoop.value());
        return new ExecutorReport(executor, named(host), machine, warehouse, ahead(), device, link, error);
    }

    /** The host's name, if Spark knows an address alone. */
    private static String named(String host) {
        try {
            return host.matches("[0-9.:]+") ? InetAddress.getLocalHost().getHostName() + " (" + host + ")" : host;
        } catch (UnknownHostException e) { // a machine without a name
            return host;
        }
    }

    /** By the fastest of a few answers. */
    private static long ahead() {
        long best = Long.MAX_VALUE;
        long ahead = 0;
        for (int i = 0; i < QUESTIONS; i++) {
            long start = System.currentTimeMillis();
            long since = System.nanoTime();
            long driver = ClusterPlugin.driverMillis();
            long took = (System.nanoTime() - since) / 1_000_000;
            if (took < best) {
                best = took;
                ahead = start + took / 2 - driver;
            }
        }
        return ahead;
    }

    /** The same, with what the driver sees of its answer. */
    ExecutorReport seen(String what) {
        return new ExecutorReport(executor, host, machine, what, clockMillis, device, link, error);
    }

    /** Its id and its host, for messages. */
    public String name() {
        return "executor " + executor + " on " + host;
    }
}
