package dev.uncurl.dl4j;

import dev.uncurl.collective.Bounds;
import dev.uncurl.collective.Collectives;
import dev.uncurl.collective.FloatRange;
import dev.uncurl.model.spec.ElementRange;
import java.util.Comparator;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Successive parameters that several ranks have and exchange at a time: each updates one slice of them, with the gradients of all.
 *
 * @param ranks those that have them; null for a network that trains alone
 * @param range in the flat parameters of this rank
 * @param layer the first block that it has tensors of, or {@link #EMBEDDINGS}: when the backward pass has come to it, the gradients
 *     are final
 * @param bounds of the slices, counted from the beginning of the range
 */
record Section(Collectives ranks, ElementRange range, int layer, long[] bounds) {
    /** Comes after all blocks in a backward pass. */
    static final int EMBEDDINGS = -1;

    static Section alone(ElementRange range) {
        return new Section(null, range, EMBEDDINGS, new long[] {0, range.length()});
    }

    static Section of(Collectives ranks, ElementRange range, int layer) {
        return new Section(ranks, range, layer, Bounds.even(range.length(), ranks.size()));
    }

    /** Those that other ranks have too, in the order in which a backward pass completes their gradients. */
    static List<Section> byCompletion(List<Section> sections) {
        return sections.stream()
                .filter(Section::isShared)
                .sorted(Comparator.comparingInt(Section::layer).reversed())
                .toList();
    }

    /** The slice that this rank updates, in its flat parameters. */
    ElementRange slice() {
        int rank = ranks == null ? 0 : ranks.rank();
        return new ElementRange(range.from() + bounds[rank], range.from() + bounds[rank + 1]);
    }

    /** Whether other ranks have these parameters too. */
    boolean isShared() {
        return ranks != null && ranks.size() > 1;
    }

    /** Replaces the gradients of this rank's slice by the sums over the ranks; the others are undefined then. */
    void reduceScatter(INDArray gradients) {
        if (isShared()) {
            ranks.reduceScatter(of(gradients), bounds);
        }
    }

    /** Gets the parameters of the other ranks' slices. */
    void allGather(INDArray parameters) {
        if (isShared()) {
            ranks.allGather(of(parameters), bounds);
        }
    }

    private FloatRange of(INDArray flat) {
        return new FloatRange(flat, range.from(), range.length());
    }
}
