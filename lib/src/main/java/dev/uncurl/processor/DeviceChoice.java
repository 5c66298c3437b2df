package dev.uncurl.processor;

import dev.uncurl.error.UserError;
import dev.uncurl.kernel.device.CudaDevice;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The setting that says where a task computes. */
public enum DeviceChoice {
    /** On the task's GPU, if it has one that can be used; else on the CPU. */
    AUTO,
    /** On the CPU; no library of CUDA is looked for. */
    CPU,
    /** On a GPU, or not at all. */
    CUDA;

    private static final Logger LOG = LoggerFactory.getLogger(DeviceChoice.class);

    /** Of a task for which no GPU is set aside. */
    public static final String NO_ADDRESS = "";

    /**
     * Reads one of an enum's constants by its name in any case.
     *
     * @param setting for the message
     * @throws UserError (usage) for another value
     */
    public static <E extends Enum<E>> E read(Class<E> type, String setting, String value) {
        E[] values = type.getEnumConstants();
        return Arrays.stream(values)
                .filter(one -> one.name().equalsIgnoreCase(value.strip()))
                .findFirst()
                .orElseThrow(() -> UserError.usage(
                        setting + " = " + value,
                        "Set it to "
                                + Arrays.stream(values)
                                        .map(one -> one.name().toLowerCase(Locale.ROOT))
                                        .collect(Collectors.joining(" or "))
                                + "."));
    }

    /**
     * Opens what one task computes on. The caller must close it.
     *
     * @param address of the task's GPU: its number among those that this process sees; {@link #NO_ADDRESS} without one
     * @param local whether the process has all GPUs of its machine for itself; {@link #CUDA} then takes one without an address
     * @param task number of the task, by which it takes one of several such GPUs
     * @param precisionName of a GPU's products: a {@link CudaDevice.Precision} by its name
     * @throws UserError (usage) if {@link #CUDA} was chosen and there is no GPU, driver or library that it needs
     */
    public Processor open(String address, boolean local, int task, String precisionName) {
        var precision = read(CudaDevice.Precision.class, "spark.uncurl.precision", precisionName);
        return switch (this) {
            case CPU -> Processor.cpu("device = cpu");
            case AUTO -> automatic(address, precision);
            case CUDA -> {
                if (address.isEmpty() && !local) {
                    throw UserError.usage(
                            "device = cuda, but Spark has given this task no GPU",
                            "Set spark.executor.resource.gpu.amount and its discovery script, as conf/spark/standalone.conf"
                                    + " has them, or the device to auto or cpu.");
                }
                int ordinal = address.isEmpty() ? task % Math.max(1, CudaDevice.count()) : ordinal(address);
                yield gpu(ordinal, precision, "device = cuda");
            }
        };
    }

    private static Processor automatic(String address, CudaDevice.Precision precision) {
        if (address.isEmpty()) {
            return Processor.cpu("device = auto, the task has no GPU");
        }
        try {
            return gpu(ordinal(address), precision, "device = auto, the task has a GPU");
        } catch (UserError e) {
            LOG.warn("Computing on the CPU, although the task has GPU {}: {}", address, e.getMessage());
            return Processor.cpu("device = auto, the task's GPU cannot be used: " + e.getMessage());
        }
    }

    private static Processor gpu(int ordinal, CudaDevice.Precision precision, String reason) {
        CudaDevice device = CudaDevice.open(ordinal, precision);
        LOG.info("Computing on {}, {}, products in {} ({})", device.name(), device.versions(), precision, reason);
        return new DeviceProcessor(device, device.kind(), reason);
    }

    private static int ordinal(String address) {
        if (!address.matches("[0-9]{1,4}")) {
            throw UserError.usage(
                    "The address of this task's GPU is " + address + ", not a number",
                    "Find GPUs with conf/spark/gpu-discovery.sh, and choose them by CUDA_VISIBLE_DEVICES.");
        }
        return Integer.parseInt(address);
    }
}
