package dev.uncurl.jobs.warehouse;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.model.FlatWeights;
import dev.uncurl.model.spec.ModelConfig;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.hadoop.fs.Path;
import org.apache.spark.util.SerializableConfiguration;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The models that the tasks of one JVM read, each loaded once: the one mutable static of Uncurl. Keyed by the hash of the
 * manifest, so that a name never stands for other weights. The two last used are kept.
 */
public final class ModelCache {
    private static final int KEPT = 2;

    private static final Map<String, Loaded> LOADED = new LinkedHashMap<>(4, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Loaded> eldest) {
            return size() > KEPT;
        }
    };

    private ModelCache() {}

    /** A model in memory; the flat parameters are shared and only read. */
    public record Loaded(ModelConfig config, INDArray parameters) {}

    /** A model as the driver names it to the tasks. */
    public record Reference(String folder, String manifestSha256, SerializableConfiguration hadoop)
            implements Serializable {
        public static Reference of(Warehouse warehouse, ModelFolder model) {
            var hadoop = new SerializableConfiguration(
                    warehouse.spark().sparkContext().hadoopConfiguration());
            return new Reference(model.dir().toString(), model.manifestSha256(), hadoop);
        }

        /** The model, whose files the driver has checked when it opened the folder. */
        public ModelFolder open() throws IOException {
            var path = new Path(folder);
            return ModelFolder.reopen(path.getFileSystem(hadoop.value()), path, manifestSha256);
        }

        public Loaded load() {
            synchronized (LOADED) {
                return LOADED.computeIfAbsent(manifestSha256, sha -> {
                    try {
                        ModelFolder model = open();
                        return new Loaded(model.config(), FlatWeights.load(model.layout(), model));
                    } catch (IOException e) {
                        throw new UncheckedIOException("Model " + folder + " cannot be read", e);
                    }
                });
            }
        }
    }
}
