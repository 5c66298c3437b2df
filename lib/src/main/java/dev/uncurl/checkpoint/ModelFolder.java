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
 * {@code manifest.json}. A folder without a valid manifest is not a model. Tensors are read by byte range. Instances are
 * thread-safe.
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
     * Writes a model to a staging folder and publishes it.
     *
     * @param dir the model's folder; must not exist
     * @param weights all tensors of the configuration; each is read once, in parts
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
     * Opens a finished model. Checks the manifest, the sizes of all files, and config and index with their hashes. The header of
     * a file is checked when it is first read. A tensor is checked whenever it is read: its checksum against the manifest, and
     * that its values are finite. Only {@link #verify} checks the hashes of the other files.
     *
     * @throws UserError (input) that names folder, file and remedy
     */
    public static ModelFolder open(FileSystem fs, Path dir) throws IOException {
        ManifestFiles files = manifest(fs, dir);
        files.checkSizes();
        return open(files);
    }

    /**
     * Opens a model that was opened before, possibly by another process. Like {@link #open}, but does not check the sizes of
     * all files, so that the time does not depend on their number. Each tensor is still checked when it is read.
     *
     * @param manifestSha256 of the model when it was opened before
     * @throws UserError (input) as in {@link #open}, or if the folder contains another model now
     */
    public static ModelFolder reopen(FileSystem fs, Path dir, String manifestSha256) throws IOException {
        ManifestFiles files = manifest(fs, dir);
        if (!files.sha256().equals(manifestSha256)) {
            throw UserError.input(
                    "Model " + dir + " was replaced while it was in use: its manifest.json has SHA-256 "
                            + files.sha256() + " now, but had " + manifestSha256 + " before",
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

    /** The file of each tensor; all files are listed in the manifest. */
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
        String remedy = "config.json and the weights belong to different models: produce the model again.";
        for (String tensor : expected) {
            if (!fileOfTensor.containsKey(tensor)) {
                throw UserError.input(
                        folder + ": no file contains tensor " + tensor + ", which config.json implies", remedy);
            }
        }
        for (String tensor : fileOfTensor.keySet()) {
            if (!expected.contains(tensor)) {
                throw UserError.input(
                        folder + ": tensor " + tensor + " is not one of the model that config.json describes", remedy);
            }
        }
    }

    /**
     * Reads the whole model. Checks the hash of each file and the checksum of each tensor against the manifest, headers against
     * config.json, and that all values are finite.
     *
     * @throws UserError (input) that names the first file or tensor that differs
     */
    public void verify() throws IOException {
        files.checkHashes();
        for (String file : tensors.files()) {
            SortedMap<String, String> written = manifest().files().get(file).tensors();
            SortedMap<String, String> found = tensors.file(file).sums();
            if (!written.isEmpty()
                    && !written.keySet().equals(found.keySet())) { // manifests of earlier releases have no checksums
                throw UserError.input(
                        new Path(dir(), MANIFEST) + " has checksums of other tensors than " + file + " contains",
                        ManifestFiles.REPAIR);
            }
        }
    }

    /** Reads one tensor by byte range into {@code into[offset ..]}, row-major. */
    public void read(String tensor, float[] into, int offset) throws IOException {
        tensors.read(tensor, into, offset);
    }

    /** Reads one tensor by byte range, in parts. */
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

    /** A file of this folder; its tensors are checked against the manifest when they are read. */
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

    /** Storage type of every tensor. */
    public DType dtype() {
        return dtype;
    }

    public ParameterLayout layout() {
        return layout;
    }

    public Manifest manifest() {
        return files.manifest();
    }

    /** SHA-256 of manifest.json. The manifest contains the hashes of all other files, so this identifies the model's content. */
    public String manifestSha256() {
        return files.sha256();
    }

    /** Total size of the files that the manifest lists. */
    public long bytes() {
        return manifest().files().values().stream()
                .mapToLong(Manifest.Entry::bytes)
                .sum();
    }
}
