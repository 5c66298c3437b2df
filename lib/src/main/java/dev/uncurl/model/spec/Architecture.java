package dev.uncurl.model.spec;

import java.util.List;

/**
 * Describes the tensors of a model by their names. This is sufficient for code that copies, drops or merges experts; only code
 * that runs a model needs a {@link ModelConfig}.
 */
public sealed interface Architecture permits Gpt2Architecture, NamedArchitecture {
    /** The block of a tensor, from its name; counted from 0, or {@link TensorSpec#NONE}. */
    int layer(String name);

    /**
     * Describes a tensor of a file.
     *
     * @param shape as in the file
     * @param dtype as in the file
     * @throws dev.uncurl.error.UserError (input) if the architecture has no such tensor, or not with this shape
     */
    TensorSpec describe(String name, List<Integer> shape, DType dtype);
}
