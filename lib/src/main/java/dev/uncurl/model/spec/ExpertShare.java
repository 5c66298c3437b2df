package dev.uncurl.model.spec;

import dev.uncurl.error.UserError;
import java.io.Serializable;

/**
 * What one rank holds of a model whose experts are divided among {@code parts} ranks: of the E experts of each MoE block those
 * from E part / parts to E (part + 1) / parts, rounded down, and all other tensors. Blocks may have different numbers of experts;
 * the numbers that two ranks hold of a block differ by one at most.
 *
 * @param part from 0
 * @param parts expert-parallel: number of ranks that hold all experts together; 1: each rank holds the whole model
 */
public record ExpertShare(int part, int parts) implements Serializable {
    /** The whole model. */
    public static final ExpertShare ALL = new ExpertShare(0, 1);

    public ExpertShare {
        if (parts < 1 || part < 0 || part >= parts) {
            throw new IllegalArgumentException("Part " + part + " of " + parts);
        }
    }

    /** The share of a rank: {@code parts} successive ranks are a group, whose members hold one part each, in their order. */
    public static ExpertShare of(int rank, int parts) {
        return new ExpertShare(rank % parts, parts);
    }

    /**
     * Checks that ranks can divide the experts of a model.
     *
     * @param ranks their number, called {@code ofRanks} in messages
     * @param parts called {@code name} in messages
     * @throws UserError (usage) with the remedy
     */
    public static void check(ModelConfig model, int ranks, String ofRanks, int parts, String name) {
        if (ranks % parts != 0) {
            throw UserError.usage(
                    name + " is " + parts + ", which does not divide " + ofRanks + ", " + ranks,
                    "Groups of " + name + " ranks hold one copy of all experts: choose a divisor of " + ofRanks + ".");
        }
        for (int layer : parts == 1 ? new int[0] : model.moeLayers()) {
            int experts = model.moe().layer(layer).experts();
            if (experts < parts) {
                throw UserError.usage(
                        name + " is " + parts + ", but block " + layer + " has only " + experts + " experts",
                        "Each rank of a group needs an expert of each block: set " + name + " to " + experts
                                + " or less.");
            }
        }
        if (parts > 1 && model.moeLayers().length == 0) {
            throw UserError.usage(name + " is " + parts + ", but the model has no experts", "Set " + name + " to 1.");
        }
    }

    /** Whether this is the whole model. */
    public boolean isAll() {
        return parts == 1;
    }

    /** The first expert that this part has of a block. @param experts E of the block */
    public int from(int experts) {
        return begin(part, experts);
    }

    /** The end of the experts that this part has of a block. @param experts E of the block */
    public int to(int experts) {
        return begin(part + 1, experts);
    }

    /** The first expert of a part of a block; of part {@code parts} E. */
    public int begin(int ofPart, int experts) {
        return (int) ((long) experts * ofPart / parts);
    }

    /** Whether this part has a tensor. @param experts E of the tensor's block, if it is one of an expert */
    boolean has(TensorSpec tensor, int experts) {
        return !isOfExpert(tensor) || tensor.expert() >= from(experts) && tensor.expert() < to(experts);
    }

    /** Whether a tensor belongs to an expert, so that only one part has it. */
    public static boolean isOfExpert(TensorSpec tensor) {
        return tensor.expert() != TensorSpec.NONE;
    }
}
