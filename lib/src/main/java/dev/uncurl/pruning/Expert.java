package dev.uncurl.pruning;

import dev.uncurl.checkpoint.TensorFolder;
import dev.uncurl.model.spec.NeuronAxis;
import dev.uncurl.model.spec.TensorSpec;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * The weights of one feed-forward network, tensor by tensor. Its F hidden neurons are rows or columns of the tensors
 * ({@link TensorSpec#neuronAxis}), and their order has no meaning: permuting all of these alike leaves the function
 * as it is. That holds for gelu(x W1 + b1) W2 + b2 as well as for (silu(x Wg) * x Wu) Wd, since the activation looks at
 * one neuron at a time.
 *
 * @param parts the tensors, each of another role
 */
public record Expert(List<Part> parts) {
    /**
     * One tensor.
     *
     * @param values row-major
     */
    public record Part(TensorSpec tensor, float[] values) {
        public Part {
            if (values.length != tensor.length()) {
                throw new IllegalArgumentException("Tensor " + tensor.name() + " of shape " + tensor.shape() + " has "
                        + tensor.length() + " values, not " + values.length);
            }
        }

        boolean hasNeurons() {
            return tensor.neuronAxis() != NeuronAxis.NONE;
        }

        /** Whether neurons are columns of a matrix [values of a neuron, F], as a vector [F] can also be seen. */
        boolean isByColumns() {
            return tensor.neuronAxis() == NeuronAxis.COLUMNS || hasNeurons() && tensor.run() == 1;
        }

        /** Values that each neuron has here. */
        int valuesOfNeuron() {
            return hasNeurons() ? values.length / tensor.neurons() : 0;
        }
    }

    public Expert {
        parts = List.copyOf(parts);
        long counts = parts.stream()
                .filter(Part::hasNeurons)
                .mapToInt(part -> part.tensor().neurons())
                .distinct()
                .count();
        if (counts != 1) {
            throw new IllegalArgumentException("Tensors of different numbers of neurons are not an expert: "
                    + parts.stream().map(part -> part.tensor().toString()).toList());
        }
    }

    /** Reads one expert, and nothing but its bytes. */
    public static Expert read(TensorFolder model, int layer, int expert) throws IOException {
        var parts = new ArrayList<Part>();
        for (TensorSpec tensor : LayerTensors.of(model, layer).expert(expert)) {
            parts.add(new Part(tensor, model.read(tensor.name())));
        }
        return new Expert(parts);
    }

    /** The values of each tensor. */
    List<float[]> tensors() {
        return parts.stream().map(Part::values).toList();
    }

    /** F. */
    public int neurons() {
        return parts.stream().mapToInt(part -> part.tensor().neurons()).max().orElseThrow();
    }

    /** Values that each neuron has in all tensors together: 2 D + 1 in a GPT-2 of width D. */
    int valuesOfNeuron() {
        return parts.stream().mapToInt(Part::valuesOfNeuron).sum();
    }

    /** Whether the tensors have the roles and shapes of those of another. */
    boolean isLike(Expert other) {
        return roles().equals(other.roles());
    }

    private List<List<?>> roles() {
        return parts.stream()
                .<List<?>>map(
                        part -> List.of(part.tensor().role(), part.tensor().shape()))
                .toList();
    }
}
