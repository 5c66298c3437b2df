package dev.uncurl.model.spec;

import java.util.List;

/**
 * One tensor of a model: how it is called, what it holds, and how it is stored.
 *
 * @param name unique in the model
 * @param shape row-major
 * @param layer block that it belongs to, counted from 0, or {@value #NONE}
 * @param expert of that block, counted from 0, or {@value #NONE}
 * @param neuronAxis where it has the hidden neurons of the expert; NONE outside of experts
 */
public record TensorSpec(
        String name, List<Integer> shape, TensorRole role, int layer, int expert, NeuronAxis neuronAxis, DType dtype) {
    /** In place of a layer or an expert: the tensor belongs to none. */
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

    /** Hidden neurons F of the expert by this tensor; 0 when it has none. */
    public int neurons() {
        return switch (neuronAxis) {
            case NONE -> 0;
            case ROWS -> shape.get(0);
            case COLUMNS -> shape.get(1);
        };
    }

    /** Values that one neuron has next to each other: those of its row; 1 where neurons are columns. */
    public int run() {
        return neuronAxis == NeuronAxis.ROWS ? Math.toIntExact(length() / Math.max(1, neurons())) : 1;
    }

    /** The same tensor with another number of rows, stored in another type. */
    public TensorSpec with(int rows, DType type) {
        var other = new java.util.ArrayList<>(shape);
        other.set(0, rows);
        return new TensorSpec(name, other, role, layer, expert, neuronAxis, type);
    }

    /** The same tensor stored in another type. */
    public TensorSpec with(DType type) {
        return new TensorSpec(name, shape, role, layer, expert, neuronAxis, type);
    }
}
