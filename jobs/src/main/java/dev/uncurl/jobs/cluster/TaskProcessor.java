package dev.uncurl.jobs.cluster;

import dev.uncurl.jobs.spark.GpuStage;
import dev.uncurl.processor.Processor;
import java.io.Serializable;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;

/** What a task computes models on: its GPU or the CPU, as Spark's properties say. */
public final class TaskProcessor {
    /** Spark property: how a GPU rounds the operands of products. */
    static final String PRECISION = "spark.uncurl.precision";

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

        /** For a line of output. */
        public String text() {
            return kind + " (" + reason + ")";
        }
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
