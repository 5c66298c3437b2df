package dev.uncurl.jobs.train;

import dev.uncurl.checkpoint.Lineage;
import dev.uncurl.checkpoint.Manifest;
import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.checkpoint.ModelStaging;
import dev.uncurl.jobs.spark.Progress;
import dev.uncurl.jobs.spark.SparkWork;
import dev.uncurl.jobs.warehouse.ModelCache;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.spec.DType;
import dev.uncurl.model.spec.ModelConfig;
import java.io.IOException;
import java.io.Serializable;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.hadoop.fs.Path;
import scala.Tuple2;

/** Publishes the weights of a checkpoint as a model. Tasks copy its shards; the driver has none of the weights. */
final class TrainedModel {
    private final Warehouse warehouse;
    private final ModelFolder checkpoint;

    TrainedModel(Warehouse warehouse, ModelFolder checkpoint) {
        this.warehouse = warehouse;
        this.checkpoint = checkpoint;
    }

    ModelFolder publish(String modelId, Lineage lineage) throws IOException {
        Path folder = warehouse.modelFolder(modelId);
        ModelStaging staging = ModelStaging.create(warehouse.files(), folder, checkpoint.config());
        boolean published = false;
        try {
            var copy = new Copy(
                    ModelCache.Reference.of(warehouse, checkpoint),
                    checkpoint.config(),
                    folder.toString(),
                    staging.token());
            List<Integer> shards =
                    IntStream.range(0, staging.shards().count()).boxed().toList();
            Map<Integer, Manifest.Entry> written = SparkWork.collect(
                            warehouse.context(),
                            shards,
                            shards.size(),
                            shard -> new Tuple2<>(shard, copy.shard(shard)),
                            shard -> 1,
                            new Progress("publish " + modelId, "shards", shards.size()))
                    .stream()
                    .collect(Collectors.toMap(Tuple2::_1, Tuple2::_2));
            ModelFolder model = staging.publish(lineage, written);
            published = true;
            return model;
        } finally {
            if (!published) {
                staging.discard();
            }
        }
    }

    /** What a task needs to copy a shard. */
    private record Copy(ModelCache.Reference source, ModelConfig model, String folder, String token)
            implements Serializable {
        Manifest.Entry shard(int shard) throws IOException {
            var path = new Path(folder);
            return ModelStaging.attach(path.getFileSystem(source.hadoop().value()), path, model, DType.F32, token)
                    .writeShard(shard, source.open());
        }
    }
}
