package dev.uncurl.kernel.nd4j;

import dev.uncurl.kernel.GatherScatter;
import dev.uncurl.kernel.Matrix;
import org.nd4j.linalg.factory.Nd4j;

final class Nd4jGatherScatter implements GatherScatter {
    @Override
    public void gather(Matrix source, int[] index, double[] scales, Matrix target) {
        target.zero();
        gatherAdd(target, source, index, scales, target);
    }

    @Override
    public void gatherAdd(Matrix base, Matrix source, int[] index, double[] scales, Matrix target) {
        for (int row = 0; row < target.rows(); row++) {
            var sum = base.rows(row, 1).array();
            if (index[row] >= 0) {
                var term = source.rows(index[row], 1).array();
                sum = sum.add(scales == null ? term : term.mul(scales[row]));
            }
            target.rows(row, 1).array().assign(sum);
        }
    }

    @Override
    public void scatterAdd(Matrix source, int[] index, Matrix target) {
        for (int row = 0; row < source.rows(); row++) {
            if (index[row] >= 0) {
                target.rows(index[row], 1).array().addi(source.rows(row, 1).array());
            }
        }
    }

    @Override
    public void dot(Matrix a, int[] index, Matrix b, double[] products) {
        for (int row = 0; row < b.rows(); row++) {
            int other = index == null ? row : index[row];
            products[row] = other < 0
                    ? 0
                    : Nd4j.getBlasWrapper()
                            .dot(
                                    a.rows(other, 1).array().ravel(),
                                    b.rows(row, 1).array().ravel());
        }
    }
}
