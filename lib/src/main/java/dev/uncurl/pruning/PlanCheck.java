package dev.uncurl.pruning;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.error.UserError;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;

/**
 * Holds a pruned model against its parent and its plan, without aligning anything again: what the plan does not touch
 * has the parent's bits, and so have experts that were alone in their cluster; routers are what the rule makes of the
 * parent's, to the bit; merged experts are the weighted means of their members, as far as the order of neurons does not
 * matter for that: the output bias to the bit, and of the other tensors the sums over neurons.
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

    /** Rounding each of the merged weights to FLOAT moves their sum by half of this, relative to the sum of amounts. */
    private static final double ROUNDING = 0x1p-23;

    private final ModelFolder parent;
    private final Plan plan;
    private final MergeOptions application;
    private final ModelFolder pruned;

    /** @throws UserError (input) when the plan is not one for the parent, or the pruned model has not the plan's shape */
    public PlanCheck(ModelFolder parent, Plan plan, MergeOptions application, ModelFolder pruned) {
        PlanApplier.check(parent, plan);
        this.parent = parent;
        this.plan = plan;
        this.application = application;
        this.pruned = pruned;
        ModelConfig expected = PlanApplier.prunedConfig(parent.config(), plan, application);
        if (!expected.equals(pruned.config())) {
            throw refused("its config.json", "is not what its plan makes of " + parent.dir());
        }
    }

    private UserError refused(String what, String how) {
        return UserError.input(
                "Pruned model " + pruned.dir() + ": " + what + " " + how,
                "It was not made as its lineage says: remove it and run prune again.");
    }

    /** Shards of the pruned model, one per block and one for the rest. */
    public int shards() {
        return pruned.config().layers() + 1;
    }

    /** @throws UserError (input) with the tensor that is not what it should be */
    public Counts check(int shard) throws IOException {
        boolean touched = PlanApplier.isTouched(parent, shard);
        int copied = 0;
        for (String name : pruned.tensorNames(shard)) {
            if (!touched || !name.startsWith(ParameterLayout.block(shard) + "moe.")) {
                checkCopied(name, name);
                copied++;
            }
        }
        if (!touched) {
            return new Counts(copied, 0, 0);
        }
        checkRouter(shard);
        int merged = 0;
        for (int cluster = 0; cluster < plan.clusters(shard); cluster++) {
            List<ExpertAssignment> members = plan.members(shard, cluster);
            if (members.size() == 1) {
                for (String tensor : ParameterLayout.FEED_FORWARD) {
                    checkCopied(
                            ParameterLayout.expert(shard, cluster) + tensor,
                            ParameterLayout.expert(shard, members.get(0).expert()) + tensor);
                }
                copied += ParameterLayout.FEED_FORWARD.size();
            } else {
                checkMerged(shard, cluster, members);
                merged += ParameterLayout.FEED_FORWARD.size();
            }
        }
        return new Counts(copied, merged, 1);
    }

    private void checkCopied(String name, String source) throws IOException {
        if (!pruned.same(name, parent, source)) {
            throw refused("tensor " + name, "differs from tensor " + source + " of " + parent.dir());
        }
    }

    private void checkRouter(int layer) throws IOException {
        String name = ParameterLayout.router(layer);
        float[] expected = PlanApplier.router(parent, plan, application.router(), layer);
        float[] found = new float[expected.length];
        pruned.read(name, found, 0);
        if (!Arrays.equals(expected, found)) {
            throw refused(
                    "tensor " + name,
                    "is not what router rule " + application.router().title() + " makes of that of " + parent.dir());
        }
    }

    private void checkMerged(int layer, int cluster, List<ExpertAssignment> members) throws IOException {
        Expert merged = Expert.read(pruned, layer, cluster);
        double[] bias = new double[merged.width()];
        Arrays.fill(bias, -0.0);
        double[] sums = new double[2 * merged.width() + 1];
        for (ExpertAssignment member : members) {
            if (member.weight() > 0) {
                Expert expert = Expert.read(parent, layer, member.expert());
                add(bias, doubles(expert.b2()), member.weight());
                add(sums, overNeurons(expert, false), member.weight());
            }
        }
        String prefix = ParameterLayout.expert(layer, cluster);
        String how = "is not the mean that its plan says of experts "
                + members.stream().map(ExpertAssignment::expert).toList();
        for (int d = 0; d < bias.length; d++) {
            if (Float.compare((float) bias[d], merged.b2()[d]) != 0) {
                throw refused("tensor " + prefix + ParameterLayout.FEED_FORWARD.get(3), how);
            }
        }
        double[] found = overNeurons(merged, false);
        double[] amounts = overNeurons(merged, true);
        for (int k = 0; k < sums.length; k++) {
            if (!(Math.abs(found[k] - sums[k]) <= ROUNDING * amounts[k] + Float.MIN_NORMAL)) {
                int tensor = k < merged.width() ? 0 : k == merged.width() ? 1 : 2;
                throw refused("tensor " + prefix + ParameterLayout.FEED_FORWARD.get(tensor), how);
            }
        }
    }

    private static double[] doubles(float[] values) {
        double[] doubles = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            doubles[i] = values[i];
        }
        return doubles;
    }

    private static void add(double[] sum, double[] values, double weight) {
        for (int i = 0; i < sum.length; i++) {
            sum[i] += weight * values[i];
        }
    }

    /** [2 D + 1]: sums over hidden neurons of W1, b1 and W2, of amounts if so wanted. */
    private static double[] overNeurons(Expert expert, boolean amounts) {
        int hidden = expert.feedForward();
        int width = expert.width();
        double[] sums = new double[2 * width + 1];
        for (int d = 0; d < width; d++) {
            for (int i = 0; i < hidden; i++) {
                double value = expert.w1()[d * hidden + i];
                sums[d] += amounts ? Math.abs(value) : value;
            }
        }
        for (int i = 0; i < hidden; i++) {
            sums[width] += amounts ? Math.abs(expert.b1()[i]) : expert.b1()[i];
            for (int d = 0; d < width; d++) {
                double value = expert.w2()[i * width + d];
                sums[width + 1 + d] += amounts ? Math.abs(value) : value;
            }
        }
        return sums;
    }
}
