package dev.uncurl.jobs.prune;

import dev.uncurl.checkpoint.Lineage;
import dev.uncurl.checkpoint.Manifest;
import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.checkpoint.ModelStaging;
import dev.uncurl.jobs.spark.Progress;
import dev.uncurl.jobs.spark.SparkWork;
import dev.uncurl.jobs.warehouse.ModelCache;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.pruning.MergeOptions;
import dev.uncurl.pruning.NeuronAlignment;
import dev.uncurl.pruning.Plan;
import dev.uncurl.pruning.PlanApplier;
import java.io.IOException;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.hadoop.fs.Path;
import org.apache.spark.broadcast.Broadcast;
import scala.Tuple2;

/**
 * Applies plans with two Spark stages. The first stage has a task for each cluster that must be merged: it reads the experts of
 * the cluster and computes their alignment. It uses the off-heap memory that {@link dev.uncurl.pruning.Alignment} states, and
 * heap memory for the reference and one expert per thread. The second stage has a task for each shard: it merges experts
 * while it reads them, and copies tensors that the plan does not change by byte range. It uses memory for one expert tensor in
 * double. The driver never has weights in memory, only the permutations: 4 F bytes for each merged expert.
 *
 * <p>Everything is written to a folder of this attempt, then published ({@link ModelStaging}) and registered. What a run that is
 * killed leaves is removed by the next one ({@link Models#isMade}) before it starts again.
 */
final class ApplyPlanJob {
    private final Warehouse warehouse;

    ApplyPlanJob(Warehouse warehouse) {
        this.warehouse = warehouse;
    }

    /** Makes the pruned model, publishes its folder, and registers it. */
    ModelFolder apply(ModelFolder source, Plan plan, MergeOptions options, String modelId, Lineage lineage)
            throws IOException {
        PlanApplier.check(source, plan);
        ModelConfig pruned = PlanApplier.prunedConfig(source.config(), plan, options);
        Path folder = warehouse.modelFolder(modelId);
        ModelStaging staging = ModelStaging.create(warehouse.files(), folder, pruned, options.dtype());
        boolean published = false;
        try {
            var reference = ModelCache.Reference.of(warehouse, source);
            var work = new StagedWork(reference, folder.toString(), staging.token(), pruned, plan, options);
            List<NeuronAlignment> alignments = options.align() ? align(plan, work, modelId) : List.of();
            Map<Integer, Manifest.Entry> written = assemble(source, work, alignments, modelId);
            ModelFolder model = staging.publish(lineage, written);
            published = true;
            new Models(warehouse).registerNew(modelId, model);
            return model;
        } finally {
            if (!published) {
                staging.discard();
            }
        }
    }

    /** Large clusters come first, so that the stage does not end with a single long task. */
    private List<NeuronAlignment> align(Plan plan, StagedWork work, String modelId) {
        List<PlanApplier.Merge> merges = PlanApplier.merges(plan).stream()
                .sorted(Comparator.comparingInt(
                        merge -> -plan.members(merge.layer(), merge.cluster()).size()))
                .toList();
        if (merges.isEmpty()) {
            return List.of();
        }
        warehouse.describe("align clusters of " + modelId);
        return SparkWork.collect(
                warehouse.context(),
                merges,
                merges.size(),
                work::align,
                merge -> 1,
                new Progress("align " + modelId, "clusters", merges.size()));
    }

    /** Shards with experts take longest and come first. */
    private Map<Integer, Manifest.Entry> assemble(
            ModelFolder source, StagedWork work, List<NeuronAlignment> alignments, String modelId) {
        warehouse.describe("assemble shards of " + modelId);
        Broadcast<List<NeuronAlignment>> shared = warehouse.context().broadcast(alignments);
        List<Integer> shards = IntStream.rangeClosed(0, source.config().layers())
                .boxed()
                .sorted(Comparator.comparing(shard -> !PlanApplier.isTouched(work.plan, shard)))
                .toList();
        try {
            List<Tuple2<Integer, Manifest.Entry>> written = SparkWork.collect(
                    warehouse.context(),
                    shards,
                    shards.size(),
                    shard -> new Tuple2<>(shard, work.assemble(shard, shared.value())),
                    shard -> 1,
                    new Progress("assemble " + modelId, "shards", shards.size()));
            return written.stream().collect(Collectors.toMap(Tuple2::_1, Tuple2::_2));
        } finally {
            shared.destroy();
        }
    }

    /** The inputs of the tasks of both stages. */
    private record StagedWork(
            ModelCache.Reference source,
            String folder,
            String token,
            ModelConfig config,
            Plan plan,
            MergeOptions options)
            implements java.io.Serializable {
        private ModelStaging staging() throws IOException {
            var path = new Path(folder);
            return ModelStaging.attach(
                    path.getFileSystem(source.hadoop().value()), path, config, options.dtype(), token);
        }

        NeuronAlignment align(PlanApplier.Merge merge) throws IOException {
            return NeuronAlignment.align(source.open().tensors(), plan, merge);
        }

        Manifest.Entry assemble(int shard, List<NeuronAlignment> alignments) throws IOException {
            return PlanApplier.assembleShard(
                    source.open().tensors(),
                    plan,
                    options,
                    shard,
                    alignments,
                    staging().writer());
        }
    }
}
