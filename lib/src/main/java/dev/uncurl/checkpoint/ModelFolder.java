package dev.uncurl.checkpoint;

import dev.uncurl.error.UserError;
import dev.uncurl.model.Weights;
import dev.uncurl.model.spec.DType;
import dev.uncurl.model.spec.Gpt2Architecture;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.IOException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.function.Function;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * A finished model on any Hadoop file system: safetensors files ({@link TensorFolder}), {@code config.json} and
 * {@code manifest.json}. A folder without a valid manifest is no model. Tensors are read by byte range; instances are safe
 * for use by several threads.
 */
public final class ModelFolder implements Weights {
    static final String CONFIG = "config.json";
    static final String MANIFEST = ManifestFiles.MANIFEST;

    private final ManifestFiles files;
    private final ModelConfig config;
    private final DType dtype;
    private final ParameterLayout layout;
    private final TensorFolder tensors;

    private ModelFolder(ManifestFiles files, ModelConfig config, DType dtype, TensorFolder tensors) {
        this.files = files;
        this.config = config;
        this.dtype = dtype;
        this.layout = ParameterLayout.of(config);
        this.tensors = tensors;
    }

    /**
     * Writes a model aside and publishes it by one rename.
     *
     * @param dir where it shall stand; nothing may stand there
     * @param weights with all tensors of the configuration; each is read once and held in parts only
     */
    public static ModelFolder write(FileSystem fs, Path dir, ModelConfig config, Weights weights, Lineage lineage)
            throws IOException {
        ModelStaging staging = ModelStaging.create(fs, dir, config);
        try {
            return staging.publish(lineage, staging.writeShards(weights));
        } catch (IOException | RuntimeException e) {
            staging.discard();
            throw e;
        }
    }

    /**
     * Opens a finished model: manifest, sizes of all files, config and index are checked, the last two with their
     * hashes; the header of a file when it is first read; a tensor's bytes against its sum in the manifest, and that they are
     * finite, whenever they are read; the hashes of the other files by {@link #verify} alone.
     *
     * @throws UserError (input) with folder, file and remedy
     */
    public static ModelFolder open(FileSystem fs, Path dir) throws IOException {
        ManifestFiles files = manifest(fs, dir);
        files.checkSizes();
        return open(files);
    }

    /**
     * Opens a model that was opened before, perhaps by another process: like {@link #open}, but without looking at its
     * other files, so that the time does not grow with their number. Each tensor is still checked when it is read.
     *
     * @param manifestSha256 of the model that was opened then
     * @throws UserError (input) as {@link #open}, or when the folder holds another model now
     */
    public static ModelFolder reopen(FileSystem fs, Path dir, String manifestSha256) throws IOException {
        ManifestFiles files = manifest(fs, dir);
        if (!files.sha256().equals(manifestSha256)) {
            throw UserError.input(
                    "Model " + dir + " was replaced while it was in use: its manifest.json has SHA-256 "
                            + files.sha256() + " now, it had " + manifestSha256,
                    "Run the command again.");
        }
        return open(files);
    }

    private static ManifestFiles manifest(FileSystem fs, Path dir) throws IOException {
        FileSystem plain = Storage.plain(fs);
        return ManifestFiles.read(plain, Storage.folder(plain, dir));
    }

    private static ModelFolder open(ManifestFiles files) throws IOException {
        Path configFile = files.listed(CONFIG);
        byte[] json = files.content(CONFIG);
        ModelConfig config = ConfigJson.read(configFile, json);
        DType dtype = ConfigJson.dtype(configFile, json);
        Map<String, String> fileOfTensor = fileOfTensor(files);
        Gpt2Architecture architecture = Gpt2Architecture.of(config, dtype);
        checkComplete(files.folder(), architecture, fileOfTensor);
        var tensors = new TensorFolder(
                files.fs(),
                files.folder(),
                architecture,
                fileOfTensor,
                files.manifest().files());
        return new ModelFolder(files, config, dtype, tensors);
    }

    /** The file of each tensor, all of them listed in the manifest. */
    private static Map<String, String> fileOfTensor(ManifestFiles files) throws IOException {
        boolean single = files.lists(TensorIndex.SINGLE) && !files.lists(TensorIndex.FILE);
        Map<String, String> fileOfTensor = single
                ? TensorIndex.single(files.fs(), files.folder())
                : TensorIndex.read(files.listed(TensorIndex.FILE), files.content(TensorIndex.FILE));
        Set.copyOf(fileOfTensor.values()).forEach(files::listed);
        return fileOfTensor;
    }

    private static void checkComplete(Path folder, Gpt2Architecture architecture, Map<String, String> fileOfTensor) {
        var expected = new LinkedHashSet<String>();
        architecture.tensors().forEach(tensor -> expected.add(tensor.name()));
        String remedy = "config.json and the weights are not of one model: produce the model again.";
        for (String tensor : expected) {
            if (!fileOfTensor.containsKey(tensor)) {
                throw UserError.input(
                        folder + ": tensor " + tensor + " of the model of config.json is in no file", remedy);
            }
        }
        for (String tensor : fileOfTensor.keySet()) {
            if (!expected.contains(tensor)) {
                throw UserError.input(folder + ": the model of config.json has no tensor " + tensor, remedy);
            }
        }
    }

    /**
     * Reads every byte: the hash of each file and the sum of each tensor against the manifest, headers against
     * config.json, and that all values are finite.
     *
     * @throws UserError (input) that names the file, and the tensor where it is one, that differs
     */
    public void verify() throws IOException {
        files.checkHashes();
        for (String file : tensors.files()) {
            SortedMap<String, String> written = manifest().files().get(file).tensors();
            SortedMap<String, String> found = tensors.file(file).sums();
            if (!written.isEmpty() && !written.keySet().equals(found.keySet())) { // older manifests have no sums
                throw UserError.input(
                        new Path(dir(), MANIFEST) + " has sums of other tensors than " + file + " holds",
                        ManifestFiles.REPAIR);
            }
        }
    }

    /** Reads one tensor, and nothing but its bytes, into {@code into[offset ..]}, row-major. */
    public void read(String tensor, float[] into, int offset) throws IOException {
        tensors.read(tensor, into, offset);
    }

    /** Reads one tensor, and nothing but its bytes, in parts. */
    @Override
    public void read(String tensor, Weights.Values values) throws IOException {
        tensors.read(tensor, values);
    }

    @Override
    public void readAll(List<String> names, Function<String, Weights.Values> values) throws IOException {
        tensors.readAll(names, values);
    }

    /** The tensors by name, for code that does not depend on the configuration. */
    public TensorFolder tensors() {
        return tensors;
    }

    /** A file of this folder, whose tensors are compared with the manifest when they are read. */
    Safetensors safetensors(String name) throws IOException {
        return Safetensors.open(
                files.fs(), new Path(dir(), name), manifest().files().get(name).tensors());
    }

    public Path dir() {
        return files.folder();
    }

    public ModelConfig config() {
        return config;
    }

    /** How every tensor is stored. */
    public DType dtype() {
        return dtype;
    }

    public ParameterLayout layout() {
        return layout;
    }

    public Manifest manifest() {
        return files.manifest();
    }

    /** SHA-256 of manifest.json; the manifest holds the hashes of all else, so this one names the model's content. */
    public String manifestSha256() {
        return files.sha256();
    }

    /** Size of all files that the manifest lists. */
    public long bytes() {
        return manifest().files().values().stream()
                .mapToLong(Manifest.Entry::bytes)
                .sum();
    }
}
