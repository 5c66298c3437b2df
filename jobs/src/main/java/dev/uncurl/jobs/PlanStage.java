package dev.uncurl.jobs;

import dev.uncurl.checkpoint.Lineage;
import dev.uncurl.checkpoint.Manifest;
import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.checkpoint.ModelStaging;
import dev.uncurl.config.ModelConfig;
import dev.uncurl.pruning.Application;
import dev.uncurl.pruning.Placement;
import dev.uncurl.pruning.Plan;
import dev.uncurl.pruning.PlanApplication;
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
 * Applies plans as a Spark stage. A task for each cluster that has to be merged reads just its experts and finds where their
 * neurons go, holding what {@link dev.uncurl.pruning.Alignment} says and on the heap the reference and an expert for each
 * thread. Then a task for each shard writes it, merging as it reads, and copies by byte range what the plan does not touch;
 * it holds one tensor of an expert, in double. The driver never holds weights, just the placements: 4 F bytes for each
 * expert that is merged.
 *
 * <p>All is written to a hidden folder that becomes the model by one rename; its row follows. Whoever is killed before
 * leaves a folder that the next run removes ({@link Models#isMade}), and does its work anew.
 */
final class PlanStage {
    private final Warehouse warehouse;

    PlanStage(Warehouse warehouse) {
        this.warehouse = warehouse;
    }

    /** Makes the pruned model, publishes its folder, and writes its row. */
    ModelFolder apply(ModelFolder source, Plan plan, Application application, String modelId, Lineage lineage)
            throws IOException {
        PlanApplication.check(source, plan);
        ModelConfig pruned = PlanApplication.prunedConfig(source.config(), plan, application);
        Path folder = warehouse.modelFolder(modelId);
        ModelStaging staging = ModelStaging.create(warehouse.files(), folder, pruned);
        boolean published = false;
        try {
            var reference = ModelCache.Reference.of(warehouse, source);
            var work = new StagedWork(reference, folder.toString(), staging.token(), pruned, plan, application);
            List<Placement> placements = application.align() ? align(plan, work, modelId) : List.of();
            Map<Integer, Manifest.Entry> written = assemble(source, work, placements, modelId);
            ModelFolder model = staging.publish(lineage, written);
            published = true;
            new Models(warehouse).register(modelId, model);
            return model;
        } finally {
            if (!published) {
                staging.discard();
            }
        }
    }

    /** Large clusters come first, lest one of them is all that is left to do. */
    private List<Placement> align(Plan plan, StagedWork work, String modelId) {
        List<PlanApplication.Merge> merges = PlanApplication.merges(plan).stream()
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

    /** Shards with experts, which take longest, come first. */
    private Map<Integer, Manifest.Entry> assemble(
            ModelFolder source, StagedWork work, List<Placement> placements, String modelId) {
        warehouse.describe("assemble shards of " + modelId);
        Broadcast<List<Placement>> shared = warehouse.context().broadcast(placements);
        List<Integer> shards = IntStream.rangeClosed(0, source.config().layers())
                .boxed()
                .sorted(Comparator.comparing(shard -> !PlanApplication.isTouched(source, shard)))
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

    /** What a task needs to work on a staged model. */
    private record StagedWork(
            ModelCache.Reference source,
            String folder,
            String token,
            ModelConfig config,
            Plan plan,
            Application application)
            implements java.io.Serializable {
        private ModelStaging staging() throws IOException {
            var path = new Path(folder);
            return ModelStaging.attach(path.getFileSystem(source.hadoop().value()), path, config, token);
        }

        Placement align(PlanApplication.Merge merge) throws IOException {
            return Placement.align(source.open(), plan, merge);
        }

        Manifest.Entry assemble(int shard, List<Placement> placements) throws IOException {
            return PlanApplication.assembleShard(source.open(), plan, application, shard, placements, staging());
        }
    }
}
