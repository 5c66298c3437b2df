package dev.uncurl.pruning;

import dev.uncurl.checkpoint.TensorFolder;
import dev.uncurl.model.spec.NeuronAxis;
import dev.uncurl.model.spec.TensorSpec;
import java.io.IOException;
import java.util.List;

/**
 * An expert of the pruned model: a copy of the only member of its cluster, or the weighted mean of several members.
 *
 * @param source the parent
 * @param layer the parent's tensors of the layer
 * @param alignment of this cluster; not used for a copy
 */
record MergedExpert(
        TensorFolder source, LayerTensors layer, List<ExpertAssignment> members, NeuronAlignment alignment) {
    /** Whether the cluster has one member only. */
    boolean isCopy() {
        return members.size() == 1;
    }

    /** The name in the parent of the tensor of which {@code tensor} is a copy. */
    String original(TensorSpec tensor) {
        return name(members.get(0), tensor);
    }

    /**
     * Reads the members' tensors and computes their mean.
     *
     * @param tensor of the pruned model
     * @return the values, row-major, in double, in the first elements of the array of {@code mean}
     */
    double[] mean(TensorSpec tensor, WeightedMean mean) throws IOException {
        mean.begin(tensor);
        for (int m = 0; m < members.size(); m++) {
            double weight = members.get(m).weight();
            if (weight > 0) {
                int[] order = tensor.neuronAxis() == NeuronAxis.NONE
                        ? null
                        : alignment.inversePermutations()[m];
                source.read(name(members.get(m), tensor), mean.member(weight, order));
            }
        }
        return mean.sum();
    }

    private String name(ExpertAssignment member, TensorSpec tensor) {
        return layer.part(member.expert(), tensor.role()).name();
    }
}
