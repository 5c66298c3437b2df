package dev.uncurl.checkpoint;

import dev.uncurl.error.UserError;
import dev.uncurl.model.Weights;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * A finished model on any Hadoop file system: safetensors shards ({@link Shards}), {@code model.safetensors.index.json},
 * {@code config.json} and {@code manifest.json}. A folder without a valid manifest is no model. Tensors are read by byte
 * range; instances are safe for use by several threads.
 */
public final class ModelFolder implements Weights {
    static final String CONFIG = "config.json";
    static final String MANIFEST = "manifest.json";

    private static final String REPAIR =
            "The folder was damaged after it was written: copy it again from its source, or remove it and run the"
                    + " command that writes it again.";

    private final FileSystem fs;
    private final Path dir;
    private final Manifest manifest;
    private final String manifestSha256;
    private final ModelConfig config;
    private final Shards shards;
    private final Map<String, Integer> shardOfTensor;
    private final Map<Integer, Safetensors> headers = new ConcurrentHashMap<>();

    private ModelFolder(FileSystem fs, Path dir, Manifest manifest, String manifestSha256, ModelConfig config) {
        this.fs = fs;
        this.dir = dir;
        this.manifest = manifest;
        this.manifestSha256 = manifestSha256;
        this.config = config;
        this.shards = Shards.of(config);
        this.shardOfTensor = shards.shardOfTensor();
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
     * hashes; a shard's header when it is first read; a tensor's bytes against its sum in the manifest, and that they are
     * finite, whenever they are read; the hashes of the shards by {@link #verify} alone.
     *
     * @throws UserError (input) with folder, file and remedy
     */
    public static ModelFolder open(FileSystem fs, Path dir) throws IOException {
        FileSystem plain = Storage.plain(fs);
        Path folder = Storage.folder(plain, dir);
        if (ModelStaging.isStaging(folder)) {
            throw UserError.input(
                    folder + " is where a model was being written, not a finished model",
                    "Run the command that writes it again; this folder can be removed.");
        }
        byte[] json = manifest(plain, folder);
        Manifest manifest;
        try {
            manifest = Manifest.parse(json);
        } catch (IOException e) {
            throw UserError.input(
                    new Path(folder, MANIFEST) + " is not a valid manifest: " + e.getMessage(),
                    "The folder is not a finished model: remove it and run the command that writes it again.",
                    e);
        }
        checkSizes(plain, folder, manifest);
        Path configFile = listed(folder, manifest, CONFIG);
        byte[] configJson = Storage.read(plain, configFile);
        ModelConfig config = ConfigJson.read(configFile, configJson);
        checkHash(configFile, Storage.sha256(configJson), manifest);
        var model = new ModelFolder(plain, folder, manifest, Storage.sha256(json), config);
        Path index = listed(folder, manifest, Shards.INDEX);
        byte[] indexJson = Storage.read(plain, index);
        model.shards.checkIndex(index, indexJson);
        checkHash(index, Storage.sha256(indexJson), manifest);
        for (int shard = 0; shard < model.shards.count(); shard++) {
            listed(folder, manifest, model.shards.file(shard));
        }
        return model;
    }

    private static byte[] manifest(FileSystem fs, Path folder) throws IOException {
        try {
            return Storage.read(fs, new Path(folder, MANIFEST));
        } catch (FileNotFoundException e) {
            if (!fs.exists(folder)) {
                throw UserError.input("There is no model folder " + folder, "Check the path.", e);
            }
            throw UserError.input(
                    folder + " has no valid manifest.json: the folder is not a finished model",
                    "Check the path; or remove the folder and run the command that writes it again.",
                    e);
        }
    }

    private static void checkSizes(FileSystem fs, Path folder, Manifest manifest) throws IOException {
        for (var entry : manifest.files().entrySet()) {
            Path file = new Path(folder, entry.getKey());
            if (!fs.exists(file)) {
                throw UserError.input(file + " is missing, but the manifest lists it", REPAIR);
            }
            long bytes = fs.getFileStatus(file).getLen();
            if (bytes != entry.getValue().bytes()) {
                throw UserError.input(
                        file + " has " + bytes + " bytes, by the manifest "
                                + entry.getValue().bytes(),
                        REPAIR);
            }
        }
    }

    private static void checkHash(Path file, String sha256, Manifest manifest) {
        String written = manifest.files().get(file.getName()).sha256();
        if (!sha256.equals(written)) {
            throw UserError.input(
                    file + " is not what was written: its SHA-256 is " + sha256 + ", by the manifest " + written,
                    REPAIR);
        }
    }

    private static Path listed(Path folder, Manifest manifest, String name) {
        if (!manifest.files().containsKey(name)) {
            throw UserError.input(new Path(folder, MANIFEST) + " does not list " + name, REPAIR);
        }
        return new Path(folder, name);
    }

    /**
     * Reads every byte: the hash of each file and the sum of each tensor against the manifest, headers against
     * config.json, and that all values are finite.
     *
     * @throws UserError (input) that names the file, and the tensor where it is one, that differs
     */
    public void verify() throws IOException {
        for (String name : manifest.files().keySet()) {
            Path file = new Path(dir, name);
            checkHash(file, Storage.hash(fs, file).sha256(), manifest);
        }
        for (int shard = 0; shard < shards.count(); shard++) {
            SortedMap<String, String> written =
                    manifest.files().get(shards.file(shard)).tensors();
            SortedMap<String, String> found = header(shard).sums();
            if (!written.isEmpty() && !written.keySet().equals(found.keySet())) { // older manifests have no sums
                throw UserError.input(
                        new Path(dir, MANIFEST) + " has sums of other tensors than " + shards.file(shard) + " holds",
                        REPAIR);
            }
        }
    }

    /** Reads one tensor, and nothing but its bytes, into {@code into[offset ..]}, row-major. */
    public void read(String tensor, float[] into, int offset) throws IOException {
        header(shard(tensor)).read(tensor, into, offset);
    }

    /** Reads one tensor, and nothing but its bytes, in parts. */
    @Override
    public void read(String tensor, Weights.Values values) throws IOException {
        header(shard(tensor)).read(tensor, values);
    }

    @Override
    public void readAll(List<String> tensors, Function<String, Weights.Values> values) throws IOException {
        for (int from = 0; from < tensors.size(); ) {
            int shard = shard(tensors.get(from));
            Safetensors file = header(shard);
            try (FSDataInputStream in = file.stream()) {
                for (; from < tensors.size() && shard(tensors.get(from)) == shard; from++) {
                    String name = tensors.get(from);
                    file.read(in, file.tensor(name), values.apply(name));
                }
            }
        }
    }

    /** Gives {@code writer} the tensor {@code target}, with the bytes of this model's tensor {@code source} as they are. */
    public void copy(String source, SafetensorsWriter writer, String target) throws IOException {
        header(shard(source)).copy(source, writer, target);
    }

    /** Whether a tensor has, bit for bit, the values of one of another model; both are read as streams. */
    public boolean same(String tensor, ModelFolder other, String otherTensor) throws IOException {
        return header(shard(tensor)).same(tensor, other.header(other.shard(otherTensor)), otherTensor);
    }

    private int shard(String tensor) {
        return shardOfTensor.get(shards.layout().tensor(tensor).name());
    }

    private Safetensors header(int shard) throws IOException {
        Safetensors known = headers.get(shard);
        if (known != null) {
            return known;
        }
        Safetensors header = safetensors(shards.file(shard));
        shards.checkHeader(shard, header);
        headers.put(shard, header);
        return header;
    }

    /** A file of this folder, its tensors held against the manifest when they are read. */
    Safetensors safetensors(String name) throws IOException {
        return Safetensors.open(
                fs, new Path(dir, name), manifest.files().get(name).tensors());
    }

    /** Names of the tensors in a shard; there is one per block and one for the rest. */
    public List<String> tensorNames(int shard) {
        return shards.tensors(shard).stream().map(ParameterLayout.Tensor::name).toList();
    }

    public Path dir() {
        return dir;
    }

    public ModelConfig config() {
        return config;
    }

    public ParameterLayout layout() {
        return shards.layout();
    }

    public Manifest manifest() {
        return manifest;
    }

    /** SHA-256 of manifest.json; the manifest holds the hashes of all else, so this one names the model's content. */
    public String manifestSha256() {
        return manifestSha256;
    }

    /** Size of all files that the manifest lists. */
    public long bytes() {
        return manifest.files().values().stream()
                .mapToLong(Manifest.Entry::bytes)
                .sum();
    }
}
