package dev.uncurl.model;

import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.model.spec.ExpertShare;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.ParameterLayout;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The arrays of a model that a process holds.
 *
 * @param share which part of the model they are
 * @param parameters flat, as {@link ParameterLayout#of(ModelConfig, ExpertShare)} has them
 * @param gradients as many; null in a model for scoring
 * @param state bytes that training keeps beside them
 * @param sums bytes of a device that exchanges of gradients have taken already
 */
record HeldModel(
        ModelConfig config, ExpertShare share, FlatMemory parameters, FlatMemory gradients, long state, long sums) {
    HeldModel {
        long length = ParameterLayout.of(config, share).length();
        checkLength("parameters", parameters, length);
        if (gradients != null) {
            checkLength("gradients", gradients, length);
        }
    }

    private static void checkLength(String what, FlatMemory array, long length) {
        if (array.length() != length) {
            throw new IllegalArgumentException(
                    "This configuration has " + length + " " + what + ", the array " + array.length());
        }
    }

    static HeldModel forScoring(ModelConfig config, FlatMemory parameters) {
        return new HeldModel(config, ExpertShare.ALL, parameters, null, 0, 0);
    }

    static HeldModel forTraining(ModelConfig config, FlatMemory parameters, FlatMemory gradients) {
        return new HeldModel(config, ExpertShare.ALL, parameters, gradients, 0, 0);
    }

    static HeldModel forTraining(ModelConfig config, INDArray parameters, INDArray gradients) {
        return forTraining(config, FlatMemory.of(parameters), FlatMemory.of(gradients));
    }

    boolean trains() {
        return gradients != null;
    }

    Parameter.Source source() {
        return new Parameter.Source(ParameterLayout.of(config, share), parameters, gradients);
    }
}
