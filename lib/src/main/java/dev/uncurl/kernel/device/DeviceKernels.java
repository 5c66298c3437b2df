package dev.uncurl.kernel.device;

import dev.uncurl.kernel.Activation;
import dev.uncurl.kernel.AdamW;
import dev.uncurl.kernel.Attention;
import dev.uncurl.kernel.Bias;
import dev.uncurl.kernel.CrossEntropy;
import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.kernel.GatherScatter;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.LinearAssignment;
import dev.uncurl.kernel.MatrixProduct;
import dev.uncurl.kernel.Normalization;
import dev.uncurl.kernel.PassShape;
import dev.uncurl.kernel.Routing;
import dev.uncurl.kernel.device.BatchedProduct.Terms;
import dev.uncurl.kernel.device.ScratchBlocks.Use;
import dev.uncurl.kernel.nd4j.PlainAssignment;
import java.util.HashSet;
import java.util.Set;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * The kernels on the memory of a {@link Device}, FLOAT only. Matrices stay on the device; indices, scales and sums of rows come
 * from and go to the Java heap. With the same device and libraries, the same calls give the same bits. Experimental.
 */
public final class DeviceKernels implements Kernels {
    private static final long DEVICE_LOGIT_BYTES = 512L << 20;
    /** Rows are multiples of 256 bytes apart; of 128 when they are rounded to 16 bits an element. */
    private static final int DEVICE_LOGIT_ALIGNMENT = 64;

    private final Device device;
    private final Staging staging;
    private final Launch launch;
    private final ScratchBlocks scratch;
    /** Of weights, whose memories close them. */
    private final Set<RoundedTwin> kept = new HashSet<>();

    private final MatrixProduct matrixProduct;
    private final GatherScatter gatherScatter;
    private final Bias bias;
    private final Normalization normalization;
    private final Activation activation;
    private final Attention attention;
    private final CrossEntropy crossEntropy;
    private final AdamW adamW;

    /** @param device not closed by {@link #close} */
    public DeviceKernels(Device device) {
        this.device = device;
        staging = new Staging(device);
        launch = new Launch(device);
        scratch = new ScratchBlocks(device, staging);
        var columns = new ColumnParts(launch, scratch.of(Use.COLUMNS));
        Terms terms = device.takesBf16() ? Terms.BF16 : Terms.ROUNDED;
        matrixProduct = new DeviceMatrixProduct(
                device, terms, new DeviceGroupedProduct(device, launch, terms, scratch.of(Use.ADDRESSES)));
        gatherScatter = new DeviceGatherScatter(
                launch, scratch.of(Use.ROWS), scratch.of(Use.GROUPS), scratch.of(Use.TARGETS), scratch.of(Use.DOTS));
        bias = new DeviceBias(launch, columns);
        normalization = new DeviceNormalization(launch, columns);
        activation = new DeviceActivation(launch, bias);
        attention = new DeviceAttention(device, launch, scratch.of(Use.SCORES), scratch.of(Use.D_SCORES));
        crossEntropy = new DeviceCrossEntropy(launch, scratch.of(Use.LABELS), scratch.of(Use.LOG_PROBABILITIES));
        adamW = new DeviceAdamW(launch, scratch.of(Use.SQUARES));
    }

    @Override
    public FlatMemory allocate(DataType type, long elements) {
        FlatMemory memory = memory(type, elements);
        memory.zero(0, memory.length());
        return memory;
    }

    /** With the copy in bfloat16 that products need of it. */
    @Override
    public FlatMemory scratch(DataType type, long elements) {
        DeviceMemory memory = memory(type, elements);
        if (device.takesBf16()) {
            try {
                memory.twin();
            } catch (RuntimeException noRoom) {
                memory.close();
                throw noRoom;
            }
        }
        return memory;
    }

    @Override
    public long arenaBytes(long elements) {
        return elements * (Float.BYTES + (device.takesBf16() ? Short.BYTES : 0));
    }

    private DeviceMemory memory(DataType type, long elements) {
        if (type != DataType.FLOAT) {
            throw new IllegalArgumentException("Device kernels work on FLOAT arrays, not on " + type);
        }
        return new DeviceMemory(device, staging, elements);
    }

    @Override
    public long freeBytes() {
        return device.freeBytes();
    }

    /** With what the device's library takes, which nothing else counts. */
    @Override
    public long scratchBytes(PassShape shape) {
        var measuring = new MeasuringDevice(device);
        var kernels = new DeviceKernels(measuring);
        kernels.reserve(shape);
        shape.routings().forEach(kernels::routing);
        long weights = device.takesBf16() ? RoundedTwin.bytes(shape.parameters()) : 0;
        return measuring.bytes() + weights + device.libraryBytes();
    }

    @Override
    public void keepRounded(FlatMemory weights) {
        if (device.takesBf16() && weights instanceof DeviceMemory memory) {
            kept.add(memory.keepRounded());
        }
    }

    @Override
    public long scratchHeld() {
        return scratch.size() + kept.stream().mapToLong(RoundedTwin::bytes).sum();
    }

    @Override
    public void reserve(PassShape shape) {
        scratch.reserve(ScratchNeeds.of(shape, device));
    }

    @Override
    public long logitBytes() {
        return DEVICE_LOGIT_BYTES;
    }

    @Override
    public int logitAlignment() {
        return DEVICE_LOGIT_ALIGNMENT;
    }

    @Override
    public MatrixProduct matrixProduct() {
        return matrixProduct;
    }

    @Override
    public GatherScatter gatherScatter() {
        return gatherScatter;
    }

    @Override
    public Bias bias() {
        return bias;
    }

    @Override
    public Normalization normalization() {
        return normalization;
    }

    @Override
    public Activation activation() {
        return activation;
    }

    @Override
    public Attention attention() {
        return attention;
    }

    @Override
    public CrossEntropy crossEntropy() {
        return crossEntropy;
    }

    @Override
    public AdamW adamW() {
        return adamW;
    }

    @Override
    public Routing routing(Routing.Shape shape) {
        return new DeviceRouting(device, launch, staging, shape);
    }

    /** On the host: it is part of pruning, not of a model's pass. */
    @Override
    public LinearAssignment assignment() {
        return PlainAssignment::maximize;
    }

    /** Releases the scratch memory on the device. */
    @Override
    public void close() {
        scratch.close();
    }
}
