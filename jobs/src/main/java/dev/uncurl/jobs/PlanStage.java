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
import java.util.HashMap;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.hadoop.fs.Path;
import scala.Tuple2;

/**
 * Applies plans as a Spark stage: a task for each cluster that has to be merged, then one for each shard. The driver
 * never holds weights.
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
            warehouse.describe("merge clusters of " + modelId);
            List<PlanApplication.Merge> merges = PlanApplication.merges(plan);
            if (!merges.isEmpty()) {
                warehouse.context().parallelize(merges, merges.size()).foreach(work::merge);
            }
            warehouse.describe("assemble shards of " + modelId);
            List<Integer> shards =
                    IntStream.range(0, staging.shards().count()).boxed().toList();
            var written = new HashMap<Integer, Manifest.Entry>();
            warehouse
                    .context()
                    .parallelize(shards, shards.size())
                    .map(shard -> new Tuple2<>(shard, work.assemble(shard)))
                    .collect()
                    .forEach(entry -> written.put(entry._1(), entry._2()));
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
