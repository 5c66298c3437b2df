package dev.uncurl.pruning;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.error.UserError;
import dev.uncurl.model.spec.DType;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.NeuronAxis;
import dev.uncurl.model.spec.TensorRole;
import dev.uncurl.model.spec.TensorSpec;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;

/**
 * Compares a pruned model with its parent and its plan, without aligning anything again. What the plan does not change has
 * the parent's bits, and so have experts that were alone in their cluster; routers are what the rule makes of the parent's,
 * to the bit. Merged experts are the weighted means of their members, as far as that does not depend on the order of neurons:
 * the output bias to the bit, and of the other tensors the sums over neurons. Where the pruned model is stored in another type
 * than the parent, all this holds for values that are rounded to that type.
 */
public final class PlanCheck {
    /**
     * Tensors of one shard.
     *
     * @param copied have the bits of the parent's
     * @param merged are weighted means
     * @param routers were made by the router rule
     */
    public record Counts(int copied, int merged, int routers) implements java.io.Serializable {
        public Counts plus(Counts other) {
            return new Counts(copied + other.copied, merged + other.merged, routers + other.routers);
        }
    }

    private final ModelFolder parent;
    private final Plan plan;
    private final MergeOptions options;
    private final ModelFolder pruned;

    /** @throws UserError (input) when the plan is not one for the parent, or the pruned model has not the plan's shape */
    public PlanCheck(ModelFolder parent, Plan plan, MergeOptions options, ModelFolder pruned) {
        PlanApplier.check(parent, plan);
        this.parent = parent;
        this.plan = plan;
        this.options = options;
        this.pruned = pruned;
        ModelConfig expected = PlanApplier.prunedConfig(parent.config(), plan, options);
        if (!expected.equals(pruned.config())) {
            throw refused("its config.json", "is not what its plan makes of " + parent.dir());
        }
        if (pruned.dtype() != options.dtype()) {
            throw refused(
                    "its config.json",
                    "has torch_dtype " + pruned.dtype().torch() + ", by its lineage it is "
                            + options.dtype().torch());
        }
    }

    private UserError refused(String what, String how) {
        return UserError.input(
                "Pruned model " + pruned.dir() + ": " + what + " " + how,
                "It was not made as its lineage says: remove it and run prune again.");
    }

    /** Parts of the pruned model: one per block and one for the rest. */
    public int shards() {
        return pruned.config().layers() + 1;
    }

    /**
     * Checks block {@code shard}, or the tensors that belong to no block.
     *
     * @throws UserError (input) with the tensor that is not what it should be
     */
    public Counts check(int shard) throws IOException {
        int layer = shard == pruned.config().layers() ? TensorSpec.NONE : shard;
        LayerTensors before = LayerTensors.of(parent.tensors(), layer);
        var counts = new Counts(0, 0, 0);
        for (TensorSpec tensor : pruned.tensors().tensors(layer)) {
            if (tensor.role() == TensorRole.ROUTER) {
                checkRouter(tensor);
                counts = counts.plus(new Counts(0, 0, 1));
            } else if (!tensor.role().isExpert()) {
                checkCopied(tensor.name(), tensor.name());
                counts = counts.plus(new Counts(1, 0, 0));
            }
        }
        for (int cluster = 0; cluster < plan.clusters(layer); cluster++) {
            counts = counts.plus(checkExpert(layer, cluster, before));
        }
        return counts;
    }

    private Counts checkExpert(int layer, int cluster, LayerTensors before) throws IOException {
        List<ExpertAssignment> members = plan.members(layer, cluster);
        Collection<TensorSpec> tensors =
                LayerTensors.of(pruned.tensors(), layer).expert(cluster);
        if (members.size() > 1) {
            checkMerged(layer, cluster, members);
            return new Counts(0, tensors.size(), 0);
        }
        for (TensorSpec tensor : tensors) {
            checkCopied(
                    tensor.name(),
                    before.part(members.get(0).expert(), tensor.role()).name());
        }
        return new Counts(tensors.size(), 0, 0);
    }

    private void checkCopied(String name, String source) throws IOException {
        if (!pruned.tensors().same(name, parent.tensors(), source)) {
            throw refused("tensor " + name, "differs from tensor " + source + " of " + parent.dir());
        }
    }

    private void checkRouter(TensorSpec router) throws IOException {
        float[] expected = PlanApplier.router(parent.tensors(), router.name(), plan, options.router(), router.layer());
        for (int i = 0; i < expected.length; i++) {
            expected[i] = router.dtype().round(expected[i]);
        }
        if (!Arrays.equals(expected, pruned.tensors().read(router.name()))) {
            throw refused(
                    "tensor " + router.name(),
                    "is not what router rule " + options.router().id() + " makes of that of " + parent.dir());
        }
    }

    private void checkMerged(int layer, int cluster, List<ExpertAssignment> members) throws IOException {
        Expert merged = Expert.read(pruned.tensors(), layer, cluster);
        var sums = new ArrayList<double[]>();
        for (Expert.Part part : merged.parts()) {
            double[] sum =
                    new double[part.values().length / Math.max(1, part.tensor().neurons())];
            Arrays.fill(sum, -0.0);
            sums.add(sum);
        }
        for (ExpertAssignment member : members) {
            if (member.weight() > 0) {
                Expert expert = Expert.read(parent.tensors(), layer, member.expert());
                for (int p = 0; p < sums.size(); p++) {
                    add(sums.get(p), overNeurons(expert.parts().get(p), false), member.weight());
                }
            }
        }
        for (int p = 0; p < sums.size(); p++) {
            Expert.Part part = merged.parts().get(p);
            if (!(part.hasNeurons() ? isNear(part, sums.get(p)) : isEqual(part, sums.get(p)))) {
                throw refused(
                        "tensor " + part.tensor().name(),
                        "is not the mean that its plan says of experts "
                                + members.stream().map(ExpertAssignment::expert).toList());
            }
        }
    }

    private static boolean isEqual(Expert.Part part, double[] means) {
        for (int i = 0; i < means.length; i++) {
            float expected = part.tensor().dtype().round((float) means[i]);
            if (Float.compare(expected, part.values()[i]) != 0) {
                return false;
            }
        }
        return true;
    }

    /** Whether the sums over neurons are those of the means, but for the rounding of each value to its type. */
    private static boolean isNear(Expert.Part part, double[] sums) {
        double[] found = overNeurons(part, false);
        double[] amounts = overNeurons(part, true);
        DType dtype = part.tensor().dtype();
        double rounding = Math.scalb(1.0, 1 - dtype.precision());
        for (int k = 0; k < sums.length; k++) {
            if (!(Math.abs(found[k] - sums[k]) <= rounding * amounts[k] + dtype.minNormal())) {
                return false;
            }
        }
        return true;
    }

    private static void add(double[] sum, double[] values, double weight) {
        for (int i = 0; i < sum.length; i++) {
            sum[i] += weight * values[i];
        }
    }

    /** Sums over hidden neurons, of amounts if so wanted; the values themselves where there are no neurons. */
    private static double[] overNeurons(Expert.Part part, boolean amounts) {
        int neurons = part.hasNeurons() ? part.tensor().neurons() : 1;
        double[] sums = new double[part.values().length / neurons];
        Arrays.fill(sums, -0.0); // keeps the sign of zeros
        boolean byRows = part.tensor().neuronAxis() == NeuronAxis.ROWS;
        for (int i = 0; i < neurons; i++) {
            for (int d = 0; d < sums.length; d++) {
                double value = part.values()[byRows ? i * sums.length + d : d * neurons + i];
                sums[d] += amounts ? Math.abs(value) : value;
            }
        }
        return sums;
    }
}
