package dev.uncurl.pruning;

import dev.uncurl.checkpoint.TensorFolder;
import dev.uncurl.error.UserError;
import dev.uncurl.model.spec.TensorRole;
import dev.uncurl.model.spec.TensorSpec;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The router and expert tensors of one layer, identified by their roles. */
final class LayerTensors {
    private final int layer;
    private final List<TensorSpec> routers = new ArrayList<>();
    private final List<Map<TensorRole, TensorSpec>> experts;

    /**
     * @param folder of the tensors, for messages
     * @throws UserError (input) if an expert lacks a tensor that others have, or its tensor has a different shape
     */
    private LayerTensors(String folder, int layer, List<TensorSpec> tensors) {
        this.layer = layer;
        var found = new TreeMap<Integer, Map<TensorRole, TensorSpec>>();
        for (TensorSpec tensor : tensors) {
            if (tensor.role() == TensorRole.ROUTER) {
                routers.add(tensor);
            } else if (tensor.role().isExpert()) {
                found.computeIfAbsent(tensor.expert(), key -> new EnumMap<>(TensorRole.class))
                        .put(tensor.role(), tensor);
            }
        }
        experts = List.copyOf(found.values());
        for (int expert = 0; expert < experts.size(); expert++) {
            check(folder, found, expert);
        }
    }

    private void check(String folder, TreeMap<Integer, Map<TensorRole, TensorSpec>> found, int expert) {
        Map<TensorRole, TensorSpec> first = experts.get(0);
        Map<TensorRole, TensorSpec> own = found.get(expert);
        String where = folder + ": layer " + layer + ", expert " + expert;
        String remedy = "The folder is incomplete, or has another architecture: copy it again, or produce it again.";
        if (own == null) {
            throw UserError.input(where + " is missing, but there is an expert " + found.lastKey(), remedy);
        }
        if (!own.keySet().equals(first.keySet())) {
            throw UserError.input(
                    where + " has tensors " + own.keySet() + ", the first expert has " + first.keySet(), remedy);
        }
        for (TensorSpec tensor : own.values()) {
            List<Integer> shape = first.get(tensor.role()).shape();
            if (!tensor.shape().equals(shape)) {
                throw UserError.input(
                        where + ": tensor " + tensor.name() + " has shape " + tensor.shape()
                                + ", that of the first expert has " + shape,
                        remedy);
            }
        }
    }

    /** The tensors of block {@code layer}; a dense block has no expert tensors. */
    static LayerTensors of(TensorFolder folder, int layer) throws IOException {
        return new LayerTensors(folder.dir().toString(), layer, folder.tensors(layer));
    }

    /** E, the number of experts; 0 in a dense block. */
    int experts() {
        return experts.size();
    }

    /** The tensors of the router, which have one row per expert. */
    List<TensorSpec> routers() {
        return routers;
    }

    /** The tensors of one expert, one per role, in the same order for each expert. */
    Collection<TensorSpec> expert(int expert) {
        return experts.get(expert).values();
    }

    /** The tensor of an expert that has this role. */
    TensorSpec part(int expert, TensorRole role) {
        return experts.get(expert).get(role);
    }
}
