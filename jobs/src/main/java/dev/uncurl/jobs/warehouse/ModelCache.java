package dev.uncurl.jobs.warehouse;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.model.FlatWeights;
import dev.uncurl.model.spec.ExpertShare;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.hadoop.fs.Path;
import org.apache.spark.util.SerializableConfiguration;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Keeps the two models that the tasks of this JVM used last, so that each is loaded once. Models are identified by the hash
 * of their manifest, or of what else determines their weights, not by name. No other mutable static state affects what tasks compute.
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

    /** A model in memory. The flat parameters are shared by all tasks and must not be changed. */
    public record Loaded(ModelConfig config, INDArray parameters) {}

    /** Loads a model that is not in memory. */
    @FunctionalInterface
    public interface Loader {
        Loaded load() throws IOException;
    }

    /**
     * Returns the model with this hash: that in memory, or else what the loader gives, which is kept.
     *
     * @param sha256 of everything that determines configuration and parameters
     * @param what for messages: the model and its place
     */
    public static Loaded load(String sha256, String what, Loader loader) {
        synchronized (LOADED) {
            return LOADED.computeIfAbsent(sha256, sha -> {
                try {
                    return loader.load();
                } catch (IOException e) {
                    throw new UncheckedIOException(what + " cannot be read", e);
                }
            });
        }
    }

    /** What the driver sends to tasks so that they can load a model. */
    public interface Source extends Serializable {
        /** Returns the model; tasks of one JVM share it. */
        Loaded load();

        /** Loads what one rank holds of the model, in the layout of its share. The caller closes the parameters. */
        Loaded load(ExpertShare share) throws IOException;
    }

    /** A model in a folder. */
    public record Reference(String folder, String manifestSha256, SerializableConfiguration hadoop) implements Source {
        public static Reference of(Warehouse warehouse, ModelFolder model) {
            var hadoop = new SerializableConfiguration(
                    warehouse.spark().sparkContext().hadoopConfiguration());
            return new Reference(model.dir().toString(), model.manifestSha256(), hadoop);
        }

        /** Opens the model without checking its files again: the driver has checked them. */
        public ModelFolder open() throws IOException {
            var path = new Path(folder);
            return ModelFolder.reopen(path.getFileSystem(hadoop.value()), path, manifestSha256);
        }

        @Override
        public Loaded load() {
            return ModelCache.load(manifestSha256, "Model " + folder, () -> {
                ModelFolder model = open();
                return new Loaded(model.config(), FlatWeights.load(model.layout(), model));
            });
        }

        @Override
        public Loaded load(ExpertShare share) throws IOException {
            ModelFolder model = open();
            return new Loaded(model.config(), FlatWeights.load(ParameterLayout.of(model.config(), share), model));
        }
    }
}
