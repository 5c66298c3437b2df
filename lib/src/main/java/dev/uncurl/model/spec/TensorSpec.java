package dev.uncurl.model.spec;

import java.util.ArrayList;
import java.util.List;

/**
 * Describes one tensor of a model.
 *
 * @param name unique in the model
 * @param shape row-major
 * @param layer its block, counted from 0, or {@value #NONE}
 * @param expert its expert in that block, counted from 0, or {@value #NONE}
 * @param neuronAxis dimension of the expert's hidden neurons; NONE for tensors that belong to no expert
 * @param dtype storage type
 */
public record TensorSpec(
        String name, List<Integer> shape, TensorRole role, int layer, int expert, NeuronAxis neuronAxis, DType dtype) {
    /** Value of layer and expert for a tensor that belongs to none. */
    public static final int NONE = -1;

    public TensorSpec {
        shape = List.copyOf(shape);
        boolean matrix = shape.size() == 2;
        if (neuronAxis == NeuronAxis.COLUMNS && !matrix || neuronAxis == NeuronAxis.ROWS && shape.isEmpty()) {
            throw new IllegalArgumentException("Tensor " + name + " of shape " + shape + " has no " + neuronAxis);
        }
    }

    /** Number of elements. */
    public long length() {
        return shape.stream().mapToLong(Integer::longValue).reduce(1, Math::multiplyExact);
    }

    /** F, the number of hidden neurons in this tensor; 0 if it has none. */
    public int neurons() {
        return switch (neuronAxis) {
            case NONE -> 0;
            case ROWS -> shape.get(0);
            case COLUMNS -> shape.get(1);
        };
    }

    /** Number of contiguous values of one neuron: the length of its row; 1 if neurons are columns. */
    public int run() {
        return neuronAxis == NeuronAxis.ROWS ? Math.toIntExact(length() / Math.max(1, neurons())) : 1;
    }

    /** The same tensor with another number of rows and another type. */
    public TensorSpec with(int rows, DType type) {
        var other = new ArrayList<>(shape);
        other.set(0, rows);
        return new TensorSpec(name, other, role, layer, expert, neuronAxis, type);
    }

    /** The same tensor with another type. */
    public TensorSpec with(DType type) {
        return new TensorSpec(name, shape, role, layer, expert, neuronAxis, type);
    }
}
