package dev.uncurl.model.spec;

import java.util.List;

/**
 * What the names of a model's tensors mean. Code that copies, drops or merges experts needs no more than this; only
 * code that computes with a model needs a {@link ModelConfig}.
 */
public sealed interface Architecture permits Gpt2Architecture, NamedArchitecture {
    /** The block that a tensor belongs to by its name, counted from 0, or {@link TensorSpec#NONE}. */
    int layer(String name);

    /**
     * The tensor that a file holds under a name.
     *
     * @param shape as in the file
     * @param dtype as in the file
     * @throws dev.uncurl.error.UserError (input) when the architecture has no such tensor, or not of this shape
     */
    TensorSpec describe(String name, List<Integer> shape, DType dtype);
}
