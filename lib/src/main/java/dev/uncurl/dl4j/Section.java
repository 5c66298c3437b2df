package dev.uncurl.dl4j;

import dev.uncurl.collective.Bounds;
import dev.uncurl.collective.Collectives;
import dev.uncurl.collective.FloatRange;
import dev.uncurl.model.spec.ElementRange;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Successive parameters that several ranks have: each updates one slice of them, with the gradients of all.
 *
 * @param ranks those that have them; null for a network that trains alone
 * @param range in the flat parameters of this rank
 * @param bounds of the slices, counted from the beginning of the range
 */
record Section(Collectives ranks, ElementRange range, long[] bounds) {
    static Section alone(ElementRange range) {
        return new Section(null, range, new long[] {0, range.length()});
    }

    static Section of(Collectives ranks, ElementRange range) {
        return new Section(ranks, range, Bounds.even(range.length(), ranks.size()));
    }

    /** The slice that this rank updates, in its flat parameters. */
    ElementRange slice() {
        int rank = ranks == null ? 0 : ranks.rank();
        return new ElementRange(range.from() + bounds[rank], range.from() + bounds[rank + 1]);
    }

    /** Replaces the gradients of this rank's slice by the sums over the ranks; the others are undefined then. */
    void reduceScatter(INDArray gradients) {
        if (ranks.size() > 1) {
            ranks.reduceScatter(of(gradients), bounds);
        }
    }

    /** Gets the parameters of the other ranks' slices. */
    void allGather(INDArray parameters) {
        if (ranks.size() > 1) {
            ranks.allGather(of(parameters), bounds);
        }
    }

    private FloatRange of(INDArray flat) {
        return new FloatRange(flat, range.from(), range.length());
    }
}
