package dev.uncurl.jobs.cluster;

import dev.uncurl.exchange.NcclChoice;
import dev.uncurl.jobs.spark.GpuStage;
import dev.uncurl.processor.DeviceChoice;
import dev.uncurl.processor.Processor;
import java.io.Serializable;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;

/** What a task computes models on: its GPU or the CPU, as Spark's properties say. */
public final class TaskProcessor {
    /** Spark property: how a GPU rounds the operands of products. */
    static final String PRECISION = "spark.uncurl.precision";

    /** Spark property: whether ranks of training on GPUs exchange gradients and parameters by NCCL. */
    private static final String NCCL = "spark.uncurl.nccl";

    private TaskProcessor() {}

    /**
     * What a task computed on, for reports.
     *
     * @param kind the same for two tasks whose results have the same bits
     * @param reason why it was chosen
     */
    public record Description(String name, String kind, String reason, boolean isCpu) implements Serializable {
        static final Description UNKNOWN = new Description("", "", "", true);

        public static Description of(Processor processor) {
            return new Description(processor.name(), processor.kind(), processor.reason(), processor.isHost());
        }

        /** Of a rank of training. @param exchange how values of GPUs reach the other ranks */
        public Description exchanging(String exchange) {
            return isCpu ? this : new Description(name, kind, reason + "; ranks exchange " + exchange, false);
        }

        /** For a line of output. */
        public String text() {
            return kind + " (" + reason + ")";
        }
    }

    /** The value of {@value #NCCL}. @throws dev.uncurl.error.UserError (usage) for an unknown one */
    public static NcclChoice nccl() {
        return DeviceChoice.read(NcclChoice.class, NCCL, SparkEnv.get().conf().get(NCCL, "auto"));
    }

    /** Opens the processor of this task, which must close it. @throws dev.uncurl.error.UserError (usage) if it cannot be had */
    public static Processor open() {
        TaskContext task = TaskContext.get();
        return open(task == null ? 0 : task.partitionId());
    }

    /** As above, also for a thread of a task. @param number of the task or thread: in local mode they take GPUs in turn */
    public static Processor open(int number) {
        SparkConf conf = SparkEnv.get().conf();
        String precision = conf.get(PRECISION, "fp32");
        return GpuStage.choice(conf).open(GpuStage.address(), GpuStage.isLocal(), number, precision);
    }
}
