package dev.uncurl.dl4j;

import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.model.spec.ElementRange;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The flat parameters, gradients and moments of one rank, where its kernels compute. On the host these are Deeplearning4j's own
 * arrays. A device has copies, which are the valid ones from the first step on; Deeplearning4j's arrays get their values where others
 * read them: gradients and parameters when ranks exchange them, parameters and moments by {@link #bringHome}.
 */
final class RankArrays implements AutoCloseable {
    private final FlatMemory hostParameters;
    private final FlatMemory hostGradients;
    private final FlatMemory parameters;
    private final FlatMemory gradients;
    private final Kernels kernels;
    private FlatMemory hostMoments;
    private FlatMemory moments;
    private FlatMemory sum;

    private RankArrays(INDArray hostParameters, INDArray hostGradients, Kernels kernels) {
        this.hostParameters = FlatMemory.of(hostParameters);
        this.hostGradients = FlatMemory.of(hostGradients);
        this.kernels = kernels;
        if (kernels == null) {
            parameters = this.hostParameters;
            gradients = this.hostGradients;
            return;
        }
        parameters = kernels.allocate(DataType.FLOAT, hostParameters.length());
        gradients = allocate(kernels, hostParameters.length(), parameters);
        this.hostParameters.copyTo(parameters, 0, parameters.length());
    }

    /** Memory of a device, or none at all. @param first is released if there is no room for this */
    private static FlatMemory allocate(Kernels kernels, long length, FlatMemory first) {
        try {
            return kernels.allocate(DataType.FLOAT, length);
        } catch (RuntimeException e) {
            first.close();
            throw e;
        }
    }

    /** Deeplearning4j's arrays themselves. */
    static RankArrays onHost(INDArray parameters, INDArray gradients) {
        return new RankArrays(parameters, gradients, null);
    }

    /** Copies in the memory of these kernels. */
    static RankArrays on(Kernels kernels, INDArray parameters, INDArray gradients) {
        return new RankArrays(parameters, gradients, kernels);
    }

    boolean isHost() {
        return kernels == null;
    }

    FlatMemory parameters() {
        return parameters;
    }

    FlatMemory gradients() {
        return gradients;
    }

    /** Of a device: the copy of these moments, which is made at the first call. @param host all moments of the rank */
    FlatMemory moments(INDArray host) {
        if (moments == null) {
            hostMoments = FlatMemory.of(host);
            moments = kernels.allocate(DataType.FLOAT, host.length());
            hostMoments.copyTo(moments, 0, moments.length());
        }
        return moments;
    }

    /** Of a device: as many elements as there are gradients, undefined at first. */
    FlatMemory sum() {
        if (sum == null) {
            sum = kernels.allocate(DataType.FLOAT, gradients.length());
        }
        return sum;
    }

    void gradientsToHost(ElementRange range) {
        copy(gradients, hostGradients, range);
    }

    void gradientsFromHost(ElementRange range) {
        copy(hostGradients, gradients, range);
    }

    void parametersToHost(ElementRange range) {
        copy(parameters, hostParameters, range);
    }

    void parametersFromHost(ElementRange range) {
        copy(hostParameters, parameters, range);
    }

    private void copy(FlatMemory source, FlatMemory target, ElementRange range) {
        if (!isHost() && range.length() > 0) {
            source.copyTo(target, range.from(), range.length());
        }
    }

    /** Gives Deeplearning4j's arrays the present parameters and moments. */
    void bringHome() {
        parametersToHost(new ElementRange(0, parameters.length()));
        if (moments != null) {
            moments.copyTo(hostMoments, 0, moments.length());
        }
    }

    /** Releases a device's copies. Deeplearning4j's arrays remain, with the values that they have. */
    @Override
    public void close() {
        if (isHost()) {
            return;
        }
        parameters.close();
        gradients.close();
        if (moments != null) {
            moments.close();
        }
        if (sum != null) {
            sum.close();
        }
    }
}
