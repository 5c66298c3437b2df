package dev.uncurl.pruning;

import dev.uncurl.checkpoint.TensorFolder;
import dev.uncurl.model.spec.NeuronAxis;
import dev.uncurl.model.spec.TensorSpec;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * The weights of one feed-forward network. Its F hidden neurons are rows or columns of the tensors
 * ({@link TensorSpec#neuronAxis}). Their order has no meaning: the same permutation of the neurons in all tensors does not
 * change the function. This is true of gelu(x W1 + b1) W2 + b2 and of (silu(x Wg) * x Wu) Wd, because the activation is
 * applied to each neuron separately.
 *
 * @param parts the tensors, each with a different role
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

        /** Whether neurons are the columns of a matrix [values per neuron, F]; a vector [F] is a matrix [1, F]. */
        boolean hasNeuronsAsColumns() {
            return tensor.neuronAxis() == NeuronAxis.COLUMNS || hasNeurons() && tensor.run() == 1;
        }

        /** Number of values of each neuron in this tensor. */
        int valuesPerNeuron() {
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
            throw new IllegalArgumentException("The tensors of an expert must have the same number of neurons: "
                    + parts.stream().map(part -> part.tensor().toString()).toList());
        }
    }

    /** Reads one expert; reads no bytes of other tensors. */
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

    /** F, the number of hidden neurons. */
    public int neurons() {
        return parts.stream().mapToInt(part -> part.tensor().neurons()).max().orElseThrow();
    }

    /** Number of values of each neuron in all tensors: 2 D + 1 in a GPT-2 of width D. */
    int valuesPerNeuron() {
        return parts.stream().mapToInt(Part::valuesPerNeuron).sum();
    }

    /** Whether the tensors have the same roles and shapes as those of another expert. */
    boolean hasShapeOf(Expert other) {
        return roles().equals(other.roles());
    }

    private List<List<?>> roles() {
        return parts.stream()
                .<List<?>>map(
                        part -> List.of(part.tensor().role(), part.tensor().shape()))
                .toList();
    }
}
