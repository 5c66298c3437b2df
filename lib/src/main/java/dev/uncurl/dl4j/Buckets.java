package dev.uncurl.dl4j;

import dev.uncurl.collective.Collectives;
import dev.uncurl.model.spec.ElementRange;
import java.util.ArrayList;
import java.util.List;

/**
 * Divides a rank's flat parameters into sections of whole blocks, so that gradients of the last blocks are exchanged while those of
 * the first ones are computed. A rank has a slice of each section. If it had one slice of all parameters, one rank would receive
 * all gradients of a block while the others receive none, and the rank with the embeddings' slice, which is final last, would wait as
 * long as without sections.
 */
final class Buckets {
    /** 16 MiB: takes some 20 times as long as the first byte of an exchange. */
    private static final long FLOATS = 1L << 22;

    /** 1 MiB for each rank, as there is a message to each. */
    private static final long FLOATS_PER_RANK = 1L << 18;

    private Buckets() {}

    /** Smallest number of parameters of a section, unless there are fewer. A function of the number of ranks alone. */
    static long floats(int ranks) {
        return ranks == 1 ? Long.MAX_VALUE : Math.max(FLOATS, ranks * FLOATS_PER_RANK);
    }

    /**
     * Returns the sections in the order of the parameters. A model whose blocks have fewer parameters than a section is one section.
     *
     * @param ranks all of them
     * @param replicas those with the same experts; null if experts are not divided
     * @param floats smallest number of parameters of a section, apart from the first one
     */
    static List<Section> of(BlockRanges blocks, Collectives ranks, Collectives replicas, long floats) {
        var sections = new ArrayList<>(cut(blocks.common(), 0, ranks, floats));
        if (replicas != null) {
            sections.addAll(cut(blocks.experts(), blocks.experts()[0], replicas, floats));
        }
        return sections;
    }

    /** @param begin [L + 1] of the blocks; @param first where the tensors before the blocks begin, if there are any */
    private static List<Section> cut(long[] begin, long first, Collectives ranks, long floats) {
        var sections = new ArrayList<Section>();
        int layers = begin.length - 1;
        long end = begin[layers];
        for (int layer = layers - 1; layer >= 0; layer--) {
            if (end - begin[layer] >= floats) {
                sections.add(0, Section.of(ranks, new ElementRange(begin[layer], end), layer));
                end = begin[layer];
            }
        }
        if (end > first) {
            int lowest = first < begin[0] ? Section.EMBEDDINGS : lowest(begin);
            sections.add(0, Section.of(ranks, new ElementRange(first, end), lowest));
        }
        return sections;
    }

    /** The first block that has any parameters here. */
    private static int lowest(long[] begin) {
        int layer = 0;
        while (begin[layer + 1] == begin[0]) {
            layer++;
        }
        return layer;
    }
}
