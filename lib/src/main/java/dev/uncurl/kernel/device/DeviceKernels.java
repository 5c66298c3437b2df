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
import dev.uncurl.kernel.Routing;
import dev.uncurl.kernel.nd4j.PlainAssignment;
import java.util.ArrayList;
import java.util.List;
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
    private final List<DeviceScratch> scratch = new ArrayList<>();
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
        var columns = new ColumnParts(launch, scratch());
        matrixProduct = new DeviceMatrixProduct(device, new RoundedOperands(device, launch, scratch(), scratch()));
        gatherScatter = new DeviceGatherScatter(launch, scratch(), scratch(), scratch(), scratch());
        bias = new DeviceBias(launch, columns);
        normalization = new DeviceNormalization(launch, columns);
        activation = new DeviceActivation(launch, bias);
        attention = new DeviceAttention(device, launch, scratch(), scratch());
        crossEntropy = new DeviceCrossEntropy(launch, scratch(), scratch());
        adamW = new DeviceAdamW(launch, scratch());
    }

    private DeviceScratch scratch() {
        var block = new DeviceScratch(device, staging);
        scratch.add(block);
        return block;
    }

    @Override
    public FlatMemory allocate(DataType type, long elements) {
        if (type != DataType.FLOAT) {
            throw new IllegalArgumentException("Device kernels work on FLOAT arrays, not on " + type);
        }
        return new DeviceMemory(device, staging, elements);
    }

    @Override
    public long freeBytes() {
        return device.freeBytes();
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
        scratch.forEach(DeviceScratch::close);
    }
}
