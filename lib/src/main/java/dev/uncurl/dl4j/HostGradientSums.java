package dev.uncurl.dl4j;

import dev.uncurl.kernel.Matrix;
import dev.uncurl.model.spec.ElementRange;
import java.util.function.Supplier;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * In ND4J's arrays.
 *
 * @param flat the gradient array of the model
 * @param sum an array of the same length; used only if there are several micro-batches
 */
record HostGradientSums(INDArray flat, Supplier<INDArray> sum) implements GradientSums {
    /** Elements per addition: a view of an array has an int as its length. */
    private static final long WINDOW = 1L << 26;

    @Override
    public void add(double weight, boolean first) {
        flat.muli(weight);
        if (first) {
            sum.get().assign(flat);
        } else {
            sum.get().addi(flat);
        }
    }

    @Override
    public void complete(ElementRange range, double weight) {
        for (long at = range.from(); at < range.to(); at += WINDOW) {
            int count = (int) Math.min(WINDOW, range.to() - at);
            Matrix.of(flat, at, 1, count)
                    .array()
                    .muli(weight)
                    .addi(Matrix.of(sum.get(), at, 1, count).array());
        }
    }

    @Override
    public void setNaN() {
        flat.assign(Double.NaN);
    }
}
