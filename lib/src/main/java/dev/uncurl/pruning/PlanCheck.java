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
 * Compares a pruned model with its parent and its plan. Alignment is not repeated. The following is checked:
 *
 * <ul>
 *   <li>tensors that the plan does not change, and experts that are alone in their cluster, equal those of the parent bit for
 *       bit;
 *   <li>routers equal the result of the router rule bit for bit;
 *   <li>merged experts are the weighted means of their members, as far as this does not depend on the order of neurons: the
 *       output bias is equal bit for bit, the sums over neurons of the other tensors are equal up to rounding.
 * </ul>
 *
 * <p>If the pruned model is stored in another type than the parent, the expected values are first rounded to that type.
 */
public final class PlanCheck {
    /**
     * Numbers of checked tensors.
     *
     * @param copied same type and same bits as in the parent
     * @param converted values of the parent in another type, rounded where the type requires it
     * @param merged weighted means
     * @param routers results of the router rule
     */
    public record Counts(int copied, int converted, int merged, int routers) implements java.io.Serializable {
        /** No tensors. */
        public static final Counts NONE = new Counts(0, 0, 0, 0);

        public Counts plus(Counts other) {
            return new Counts(
                    copied + other.copied, converted + other.converted, merged + other.merged, routers + other.routers);
        }
    }

    private final ModelFolder parent;
    private final Plan plan;
    private final MergeOptions options;
    private final ModelFolder pruned;

    /** @throws UserError (input) if the plan is not for the parent, or the pruned model does not have the planned shape */
    public PlanCheck(ModelFolder parent, Plan plan, MergeOptions options, ModelFolder pruned) {
        PlanApplier.check(parent, plan);
        this.parent = parent;
        this.plan = plan;
        this.options = options;
        this.pruned = pruned;
        ModelConfig expected = PlanApplier.prunedConfig(parent.config(), plan, options);
        if (!expected.equals(pruned.config())) {
            throw difference("its config.json", "does not follow from its plan and " + parent.dir());
        }
        if (pruned.dtype() != options.dtype()) {
            throw difference(
                    "its config.json",
                    "has torch_dtype " + pruned.dtype().torch() + ", but its lineage says "
                            + options.dtype().torch());
        }
    }

    private UserError difference(String what, String how) {
        return UserError.input(
                "Pruned model " + pruned.dir() + ": " + what + " " + how,
                "The model does not match its lineage. Remove it and run prune again.");
    }

    /** Number of shards: one per block, and one for the tensors that belong to no block. */
    public int shards() {
        return pruned.config().layers() + 1;
    }

    /**
     * Checks block {@code shard}, or the tensors that belong to no block.
     *
     * @throws UserError (input) that names the first tensor that differs
     */
    public Counts check(int shard) throws IOException {
        int layer = shard == pruned.config().layers() ? TensorSpec.NONE : shard;
        LayerTensors before = LayerTensors.of(parent.tensors(), layer);
        var counts = Counts.NONE;
        for (TensorSpec tensor : pruned.tensors().tensors(layer)) {
            if (tensor.role() == TensorRole.ROUTER) {
                checkRouter(tensor);
                counts = counts.plus(new Counts(0, 0, 0, 1));
            } else if (!tensor.role().isExpert()) {
                counts = counts.plus(checkCopied(tensor, tensor.name()));
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
            return new Counts(0, 0, tensors.size(), 0);
        }
        var counts = Counts.NONE;
        for (TensorSpec tensor : tensors) {
            counts = counts.plus(checkCopied(
                    tensor, before.part(members.get(0).expert(), tensor.role()).name()));
        }
        return counts;
    }

    private Counts checkCopied(TensorSpec tensor, String source) throws IOException {
        if (!pruned.tensors().same(tensor.name(), parent.tensors(), source)) {
            throw difference("tensor " + tensor.name(), "differs from tensor " + source + " of " + parent.dir());
        }
        boolean sameType = tensor.dtype() == parent.tensors().tensor(source).dtype();
        return sameType ? new Counts(1, 0, 0, 0) : new Counts(0, 1, 0, 0);
    }

    private void checkRouter(TensorSpec router) throws IOException {
        float[] expected = PlanApplier.router(parent.tensors(), router.name(), plan, options.router(), router.layer());
        for (int i = 0; i < expected.length; i++) {
            expected[i] = router.dtype().round(expected[i]);
        }
        if (!Arrays.equals(expected, pruned.tensors().read(router.name()))) {
            throw difference(
                    "tensor " + router.name(),
                    "is not the result of router rule " + options.router().id() + " on that of " + parent.dir());
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
                throw difference(
                        "tensor " + part.tensor().name(),
                        "is not the weighted mean, by its plan, of experts "
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

    /** Whether the sums over neurons equal those of the means up to the rounding of each value to its type. */
    private static boolean isNear(Expert.Part part, double[] sums) {
        double[] found = overNeurons(part, false);
        double[] magnitudes = overNeurons(part, true);
        DType dtype = part.tensor().dtype();
        double rounding = Math.scalb(1.0, 1 - dtype.precision());
        for (int k = 0; k < sums.length; k++) {
            if (!(Math.abs(found[k] - sums[k]) <= rounding * magnitudes[k] + dtype.minNormal())) {
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

    /** Sums over hidden neurons, of absolute values if {@code absolute}; the values themselves if there are no neurons. */
    private static double[] overNeurons(Expert.Part part, boolean absolute) {
        int neurons = part.hasNeurons() ? part.tensor().neurons() : 1;
        double[] sums = new double[part.values().length / neurons];
        Arrays.fill(sums, -0.0); // so that a sum of negative zeros keeps its sign
        boolean byRows = part.tensor().neuronAxis() == NeuronAxis.ROWS;
        for (int i = 0; i < neurons; i++) {
            for (int d = 0; d < sums.length; d++) {
                double value = part.values()[byRows ? i * sums.length + d : d * neurons + i];
                sums[d] += absolute ? Math.abs(value) : value;
            }
        }
        return sums;
    }
}
