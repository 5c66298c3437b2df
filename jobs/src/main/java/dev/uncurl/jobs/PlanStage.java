package dev.uncurl.jobs;

import dev.uncurl.checkpoint.Lineage;
import dev.uncurl.checkpoint.Manifest;
import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.checkpoint.ModelStaging;
import dev.uncurl.config.ModelConfig;
import dev.uncurl.pruning.Application;
import dev.uncurl.pruning.Plan;
import dev.uncurl.pruning.PlanApplication;
import java.io.IOException;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.hadoop.fs.Path;
import scala.Tuple2;

/**
 * Applies plans as a Spark stage: a task for each cluster that has to be merged reads just its experts and writes the
 * merged one aside, then a task for each shard puts it together, copying by byte range what the plan does not touch. A task
 * holds what {@link dev.uncurl.pruning.ExpertMerge} says, or a chunk of a file; the driver never holds weights.
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
            merge(plan, work, modelId);
            Map<Integer, Manifest.Entry> written = assemble(staging.shards().count(), work, modelId);
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
    private void merge(Plan plan, StagedWork work, String modelId) {
        List<PlanApplication.Merge> merges = PlanApplication.merges(plan).stream()
                .sorted(Comparator.comparingInt(
                        merge -> -plan.members(merge.layer(), merge.cluster()).size()))
                .toList();
        if (merges.isEmpty()) {
            return;
        }
        warehouse.describe("merge clusters of " + modelId);
        SparkWork.collect(
                warehouse.context(),
                merges,
                merges.size(),
                merge -> {
                    work.merge(merge);
                    return true;
                },
                merge -> 1,
                new Progress("merge " + modelId, "clusters", merges.size()));
    }

    private Map<Integer, Manifest.Entry> assemble(int count, StagedWork work, String modelId) {
        warehouse.describe("assemble shards of " + modelId);
        List<Integer> shards = IntStream.range(0, count).boxed().toList();
        List<Tuple2<Integer, Manifest.Entry>> written = SparkWork.collect(
                warehouse.context(),
                shards,
                count,
                shard -> new Tuple2<>(shard, work.assemble(shard)),
                shard -> 1,
                new Progress("assemble " + modelId, "shards", count));
        return written.stream().collect(Collectors.toMap(Tuple2::_1, Tuple2::_2));
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

        void merge(PlanApplication.Merge merge) throws IOException {
            PlanApplication.writePiece(source.open(), plan, application, merge, staging());
        }

        Manifest.Entry assemble(int shard) throws IOException {
            return PlanApplication.assembleShard(source.open(), plan, application, shard, staging());
        }
    }
}
