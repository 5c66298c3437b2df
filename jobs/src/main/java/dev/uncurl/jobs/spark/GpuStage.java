package dev.uncurl.jobs.spark;

import dev.uncurl.error.DeviceFailedException;
import dev.uncurl.error.UserError;
import dev.uncurl.processor.DeviceChoice;
import java.util.Map;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.rdd.RDD;
import org.apache.spark.resource.ResourceInformation;
import org.apache.spark.resource.ResourceProfile;
import org.apache.spark.resource.ResourceProfileBuilder;
import org.apache.spark.resource.TaskResourceRequests;
import scala.Option;

/**
 * Stages that compute models ask Spark for a GPU for each task; other stages do not, so that these use all cores. Executors have GPUs
 * by {@value #EXECUTORS}. If {@value #TASKS} is set, it holds for the tasks of all stages instead.
 */
public final class GpuStage {
    /** Spark property: what tasks compute on, a {@link DeviceChoice}. */
    public static final String DEVICE = "spark.uncurl.device";

    /** How a stage's failure says that an executor ends because of its GPU. */
    public static final String FAILED = "The GPU of this executor has failed, so that it ends";

    /** Spark's name of the only executor in local mode. */
    private static final String DRIVER = "driver";

    private static final String GPU = "gpu";
    private static final String EXECUTORS = "spark.executor.resource.gpu.amount";
    private static final String TASKS = "spark.task.resource.gpu.amount";

    private GpuStage() {}

    /** The value of {@link #DEVICE}. @throws UserError (usage) for an unknown one */
    public static DeviceChoice choice(SparkConf conf) {
        return DeviceChoice.read(DeviceChoice.class, DEVICE, conf.get(DEVICE, "auto"));
    }

    /**
     * Rows whose stage computes models.
     *
     * @throws UserError (usage) if it is to compute on GPUs, and executors have none
     */
    public static <T> RDD<T> of(RDD<T> rows) {
        ResourceProfile profile = profile(rows.sparkContext());
        return profile.id() == ResourceProfile.DEFAULT_RESOURCE_PROFILE_ID() ? rows : rows.withResources(profile);
    }

    /** What the tasks of such a stage ask for. Executors remain those that all stages have. */
    public static ResourceProfile profile(SparkContext context) {
        SparkConf conf = context.getConf();
        DeviceChoice choice = choice(conf);
        boolean given = conf.contains(EXECUTORS) && conf.getInt(EXECUTORS, 0) > 0;
        if (choice == DeviceChoice.CUDA && !given && !context.isLocal()) {
            throw UserError.usage(
                    DEVICE + " = cuda, but " + EXECUTORS + " is not set, so executors have no GPU",
                    "Set it to 1, with the other lines on GPUs of conf/spark/standalone.conf, or " + DEVICE
                            + " to auto or cpu.");
        }
        var manager = context.resourceProfileManager();
        if (choice == DeviceChoice.CPU || !given || conf.contains(TASKS) || context.isLocal()) {
            return manager.defaultResourceProfile();
        }
        ResourceProfile wanted = new ResourceProfileBuilder()
                .require(new TaskResourceRequests()
                        .cpus(conf.getInt("spark.task.cpus", 1))
                        .resource(GPU, 1))
                .build();
        Option<ResourceProfile> known = manager.getEquivalentProfile(wanted);
        if (known.isDefined()) {
            return known.get();
        }
        manager.addResourceProfile(wanted);
        return wanted;
    }

    /**
     * Ends a task whose GPU has failed. On a cluster by an error that makes Spark report it and then end and replace the executor, since
     * no task of its process could use the GPU again.
     */
    public static <T> T failed(DeviceFailedException failure) {
        if (isLocal()) {
            throw failure;
        }
        throw new InternalError(FAILED, failure);
    }

    /** Whether this process is driver and executor at once. */
    public static boolean isLocal() {
        return SparkEnv.get().executorId().equals(DRIVER);
    }

    /** In a task: the address of its GPU, {@link DeviceChoice#NO_ADDRESS} without one. */
    public static String address() {
        TaskContext task = TaskContext.get();
        Map<String, ResourceInformation> resources = task == null ? Map.of() : task.resourcesJMap();
        ResourceInformation gpus = resources.get(GPU);
        return gpus == null || gpus.addresses().length == 0 ? DeviceChoice.NO_ADDRESS : gpus.addresses()[0];
    }
}
