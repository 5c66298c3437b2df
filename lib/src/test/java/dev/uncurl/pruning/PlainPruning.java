package dev.uncurl.pruning;

import dev.uncurl.checkpoint.Lineage;
import dev.uncurl.checkpoint.Manifest;
import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.checkpoint.ModelStaging;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** Carries out plans in this process, one thing after another; and says of a merged expert what it should be. */
final class PlainPruning {
    private PlainPruning() {}

    static ModelFolder apply(ModelFolder source, Plan plan, MergeOptions options, FileSystem fs, Path dir)
            throws IOException {
        PlanApplier.check(source, plan);
        ModelStaging staging =
                ModelStaging.create(fs, dir, PlanApplier.prunedConfig(source.config(), plan, options), options.dtype());
        var alignments = new ArrayList<NeuronAlignment>();
        if (options.align()) {
            for (var merge : PlanApplier.merges(plan)) {
                alignments.add(NeuronAlignment.align(source.tensors(), plan, merge));
            }
        }
        var entries = new HashMap<Integer, Manifest.Entry>();
        for (int shard = 0; shard < staging.shards().count(); shard++) {
            entries.put(
                    shard,
                    PlanApplier.assembleShard(source.tensors(), plan, options, shard, alignments, staging.writer()));
        }
        var lineage = Lineage.here("m", "prune", Map.of("plan", plan.id()), "uncurl prune", "none");
        return staging.publish(lineage, entries);
    }

    /** The weighted mean of the members of a cluster, whole experts in memory, each put into its new order first. */
    static Expert expert(ModelFolder source, Plan plan, boolean align, int layer, int cluster) throws IOException {
        List<ExpertAssignment> members = plan.members(layer, cluster);
        var aligned = new ArrayList<Expert>();
        for (ExpertAssignment member : members) {
            Expert expert = Expert.read(source.tensors(), layer, member.expert());
            for (ExpertAssignment other : members) {
                if (align && other.isReference() && !member.isReference()) {
                    expert = Samples.permuted(
                            expert, Samples.alignment(Expert.read(source.tensors(), layer, other.expert()), expert));
                }
            }
            aligned.add(expert);
        }
        return mean(
                aligned, members.stream().mapToDouble(ExpertAssignment::weight).toArray());
    }

    /** sum_m w_m expert_m in double, rounded. */
    static Expert mean(List<Expert> members, double[] weights) {
        float[][] tensors = new float[4][];
        for (int t = 0; t < 4; t++) {
            tensors[t] = new float[members.get(0).tensors().get(t).length];
            for (int i = 0; i < tensors[t].length; i++) {
                double sum = -0.0;
                for (int m = 0; m < weights.length; m++) {
                    sum += weights[m] * members.get(m).tensors().get(t)[i];
                }
                tensors[t][i] = (float) sum;
            }
        }
        return Samples.expert(tensors);
    }
}
