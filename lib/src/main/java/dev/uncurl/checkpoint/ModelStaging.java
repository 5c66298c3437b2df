package dev.uncurl.checkpoint;

import dev.uncurl.error.UserError;
import dev.uncurl.model.Weights;
import dev.uncurl.model.spec.ModelConfig;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * A model being put together in a hidden folder {@code .<name>.<token>.tmp} beside the place where it will stand, by one
 * process or by many: its shards, and at last {@link #publish}, which checks that all is there, writes index, config and
 * manifest, and makes the model visible by one rename. Whoever dies before that leaves nothing that could be taken for a
 * model.
 *
 * <p>Shards may be written twice (a retried or speculative task): each attempt writes aside, the first to
 * finish wins, and its bytes are the same.
 */
public final class ModelStaging {
    private static final String ATTEMPT = ".attempt";

    /** Fills the tensors of one file, in the order declared. */
    @FunctionalInterface
    public interface Content {
        void writeTo(SafetensorsWriter writer) throws IOException;
    }

    private final FileSystem fs;
    private final Path dir;
    private final ModelConfig config;
    private final String token;
    private final Path folder;
    private final Shards shards;
    private final SortedMap<String, Manifest.Entry> companions = new TreeMap<>();

    private ModelStaging(FileSystem fs, Path dir, ModelConfig config, String token) {
        this.fs = Storage.plain(fs);
        this.dir = Storage.folder(this.fs, dir);
        this.config = config;
        this.token = token;
        this.folder = new Path(this.dir.getParent(), "." + this.dir.getName() + "." + token + ".tmp");
        this.shards = Shards.of(config);
    }

    /**
     * Begins a new model.
     *
     * @param dir where the finished model shall stand
     * @throws UserError (conflict) when something stands there, (input) when there is too little room
     */
    public static ModelStaging create(FileSystem fs, Path dir, ModelConfig config) throws IOException {
        var staging = new ModelStaging(fs, dir, config, UUID.randomUUID().toString());
        staging.checkFree();
        Storage.checkRoom(staging.fs, staging.dir, staging.shards.layout().length() * Float.BYTES);
        staging.fs.mkdirs(staging.folder);
        return staging;
    }

    /** The same staging folder, seen from another process; {@code token} as {@link #token} told there. */
    public static ModelStaging attach(FileSystem fs, Path dir, ModelConfig config, String token) throws IOException {
        if (!token.matches("[0-9a-f-]{36}")) {
            throw new IllegalArgumentException("Not a staging token: " + token);
        }
        var staging = new ModelStaging(fs, dir, config, token);
        if (!staging.fs.exists(staging.folder)) {
            throw new IOException("The staging folder " + staging.folder + " is gone");
        }
        return staging;
    }

    static boolean isStaging(Path dir) {
        return dir.getName().startsWith(".") && dir.getName().endsWith(".tmp");
    }

    /** Tells this staging folder from others of the same model; for {@link #attach}. */
    public String token() {
        return token;
    }

    public Shards shards() {
        return shards;
    }

    /** Writes shard number {@code shard}; the size and hash may be handed to {@link #publish}. */
    public Manifest.Entry writeShard(int shard, Content content) throws IOException {
        return write(new Path(folder, shards.file(shard)), shards.declarations(shard), content);
    }

    /** Writes every shard, a tensor at a time, and gives what {@link #publish} takes. */
    Map<Integer, Manifest.Entry> writeShards(Weights weights) throws IOException {
        var entries = new TreeMap<Integer, Manifest.Entry>();
        for (int shard = 0; shard < shards.count(); shard++) {
            var tensors = shards.tensors(shard);
            entries.put(shard, writeShard(shard, writer -> {
                for (var tensor : tensors) {
                    writer.write(tensor.name(), weights, tensor.name());
                }
            }));
        }
        return entries;
    }

    /** Writes a safetensors file that stands beside the shards in the published folder. */
    void writeCompanion(String name, List<SafetensorsWriter.Declaration> tensors, Content content) throws IOException {
        companions.put(name, write(new Path(folder, name), tensors, content));
    }

    /** Writes any other file that stands beside the shards in the published folder. */
    void writeCompanion(String name, byte[] content) throws IOException {
        companions.put(name, Storage.write(fs, new Path(folder, name), content));
    }

    private Manifest.Entry write(Path file, List<SafetensorsWriter.Declaration> tensors, Content content)
            throws IOException {
        Path attempt = attempt(file);
        Storage.Output out = Storage.create(fs, attempt);
        SortedMap<String, String> sums = write(out, tensors, content);
        settle(attempt, file);
        return new Manifest.Entry(out.bytes(), out.sha256(), sums);
    }

    private static SortedMap<String, String> write(
            Storage.Output out, List<SafetensorsWriter.Declaration> tensors, Content content) throws IOException {
        try (var writer = new SafetensorsWriter(out, tensors, Map.of("format", "pt"))) {
            content.writeTo(writer);
            writer.finish();
            return writer.sums();
        }
    }

    private static Path attempt(Path file) {
        return new Path(file.getParent(), file.getName() + "." + UUID.randomUUID() + ATTEMPT);
    }

    private void settle(Path attempt, Path file) throws IOException {
        if (!Storage.rename(fs, attempt, file)) {
            fs.delete(attempt, false);
        }
    }

    /**
     * Publishes the model.
     *
     * @param known sizes and hashes by shard number, as {@link #writeShard} gave them; the other shards are read and
     *     hashed
     * @throws IllegalStateException when a shard was not written
     * @throws UserError (conflict) when another model stands in the place meanwhile
     */
    public ModelFolder publish(Lineage lineage, Map<Integer, Manifest.Entry> known) throws IOException {
        SortedMap<String, Manifest.Entry> files = new TreeMap<>(companions);
        for (int shard = 0; shard < shards.count(); shard++) {
            Path file = new Path(folder, shards.file(shard));
            if (!fs.exists(file)) {
                throw new IllegalStateException("Shard " + file + " was not written");
            }
            files.put(shards.file(shard), known.containsKey(shard) ? known.get(shard) : entry(file));
        }
        removeAllBut(files.keySet());
        files.put(Shards.INDEX, Storage.write(fs, new Path(folder, Shards.INDEX), shards.index()));
        files.put(
                ModelFolder.CONFIG, Storage.write(fs, new Path(folder, ModelFolder.CONFIG), ConfigJson.write(config)));
        var manifest = new Manifest(Manifest.FORMAT, shards.layout().length(), files, lineage);
        Storage.write(fs, new Path(folder, ModelFolder.MANIFEST), manifest.toJson());
        checkFree();
        if (!Storage.rename(fs, folder, dir)) {
            throw taken();
        }
        return ModelFolder.open(fs, dir);
    }

    private Manifest.Entry entry(Path file) throws IOException {
        Manifest.Entry whole = Storage.hash(fs, file);
        return new Manifest.Entry(
                whole.bytes(), whole.sha256(), Safetensors.open(fs, file).sums());
    }

    private void removeAllBut(Set<String> names) throws IOException {
        var keep = new HashSet<>(names);
        for (FileStatus status : fs.listStatus(folder)) {
            if (!keep.contains(status.getPath().getName())) {
                fs.delete(status.getPath(), true);
            }
        }
    }

    /** Throws away everything staged. */
    public void discard() throws IOException {
        fs.delete(folder, true);
    }

    private void checkFree() throws IOException {
        if (!fs.exists(dir)) {
            return;
        }
        boolean emptyFolder = fs.getFileStatus(dir).isDirectory() && fs.listStatus(dir).length == 0;
        if (!emptyFolder || !fs.delete(dir, false)) {
            throw taken();
        }
    }

    private UserError taken() {
        return UserError.conflict(
                dir + " exists already; a model is never overwritten",
                "Remove it, or choose another place for the model.");
    }
}
