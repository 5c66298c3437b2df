package dev.uncurl.checkpoint;

import dev.uncurl.error.UserError;
import dev.uncurl.model.Weights;
import dev.uncurl.model.spec.DType;
import dev.uncurl.model.spec.ModelConfig;
import java.io.IOException;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Builds a model in a folder of its own, from one or more processes, and makes it visible by creating one file, its manifest.
 *
 * <p>The folder is the hidden {@code .<name>.<token>.tmp}, next to the model's final folder. {@link #publish} checks that all shards
 * exist, writes index and config, reserves the final folder by creating a file {@code unfinished} in it, moves each file into it,
 * the manifest last, and deletes {@code unfinished}. Of two writers one reserves the folder. A writer that was thought dead and whose
 * hidden folder was deleted cannot change the final folder any more: all that is left to it is to move files that are gone.
 *
 * <p>On an object store, which cannot move files, the folder is {@code <name>.<token>} and stays: the manifest is created in it, and
 * models.registry names the folder that counts.
 *
 * <p>A process that is killed leaves nothing that looks like a model ({@link Unfinished}). A shard may be written more than once; see
 * {@link ShardWriter}.
 */
public final class ModelStaging {
    private final FileSystem fs;
    private final Path dir;
    private final ModelConfig config;
    private final String token;
    private final Path folder;
    private final boolean inPlace;
    private final DType dtype;
    private final Shards shards;
    private final ShardWriter writer;
    private final SortedMap<String, Manifest.Entry> companions = new TreeMap<>();
    private boolean reserved;

    private ModelStaging(FileSystem fs, Path dir, ModelConfig config, DType dtype, int expertParallel, String token) {
        this.fs = Storage.plain(fs);
        this.dir = Storage.folder(this.fs, dir);
        this.config = config;
        this.token = token;
        this.inPlace = ObjectStore.is(this.fs);
        String name = this.dir.getName() + "." + token;
        this.folder = new Path(this.dir.getParent(), inPlace ? name : "." + name + ".tmp");
        this.dtype = dtype;
        this.shards = Shards.of(config, dtype, expertParallel);
        this.writer = new ShardWriter(this.fs, folder, shards.sharded());
    }

    /** {@link #create(FileSystem, Path, ModelConfig, DType)} with type F32. */
    public static ModelStaging create(FileSystem fs, Path dir, ModelConfig config) throws IOException {
        return create(fs, dir, config, DType.F32);
    }

    /**
     * Creates a staging folder.
     *
     * @param dir folder of the finished model
     * @param dtype storage type of all tensors
     * @throws UserError (conflict) if {@code dir} exists, (input) if there is too little free space
     */
    public static ModelStaging create(FileSystem fs, Path dir, ModelConfig config, DType dtype) throws IOException {
        return create(fs, dir, config, dtype, 1);
    }

    /** As above, with shards that ranks can write which divide the experts; see {@link Shards#of(ModelConfig, DType, int)}. */
    public static ModelStaging create(FileSystem fs, Path dir, ModelConfig config, DType dtype, int expertParallel)
            throws IOException {
        var staging = new ModelStaging(
                fs, dir, config, dtype, expertParallel, UUID.randomUUID().toString());
        staging.checkFree();
        Storage.checkRoom(staging.fs, staging.dir, staging.shards.sharded().bytes());
        staging.fs.mkdirs(staging.folder);
        return staging;
    }

    /**
     * Opens a staging folder that another process created.
     *
     * @param token result of {@link #token} in the creating process; the other arguments must be those of {@link #create}
     */
    public static ModelStaging attach(FileSystem fs, Path dir, ModelConfig config, DType dtype, String token)
            throws IOException {
        return attach(fs, dir, config, dtype, 1, token);
    }

    /** As above, for a staging folder that was created with this {@code expertParallel}. */
    public static ModelStaging attach(
            FileSystem fs, Path dir, ModelConfig config, DType dtype, int expertParallel, String token)
            throws IOException {
        if (!token.matches("[0-9a-f-]{36}")) {
            throw new IllegalArgumentException("Not a staging token: " + token);
        }
        var staging = new ModelStaging(fs, dir, config, dtype, expertParallel, token);
        if (!staging.inPlace && !staging.fs.exists(staging.folder)) { // an object store has no empty folders
            throw new IOException("The staging folder " + staging.folder + " does not exist any more");
        }
        return staging;
    }

    static boolean isStaging(Path dir) {
        return dir.getName().startsWith(".") && dir.getName().endsWith(".tmp");
    }

    /** Identifies this staging folder among those of the same model; an argument of {@link #attach}. */
    public String token() {
        return token;
    }

    public Shards shards() {
        return shards;
    }

    /** The writer of the shards; its results are arguments of {@link #publish}. */
    public ShardWriter writer() {
        return writer;
    }

    /** Writes a shard; the result is an argument of {@link #publish}. */
    public Manifest.Entry writeShard(int shard, ShardWriter.Content content) throws IOException {
        return writer.writeShard(shard, content);
    }

    /** Writes a shard, one tensor at a time; the result is an argument of {@link #publish}. */
    public Manifest.Entry writeShard(int shard, Weights weights) throws IOException {
        return writeShard(shard, writer -> {
            for (var tensor : shards.tensors(shard)) {
                writer.write(tensor.name(), weights, tensor.name());
            }
        });
    }

    /** Writes all shards, one tensor at a time; the result is an argument of {@link #publish}. */
    Map<Integer, Manifest.Entry> writeShards(Weights weights) throws IOException {
        var entries = new TreeMap<Integer, Manifest.Entry>();
        for (int shard = 0; shard < shards.count(); shard++) {
            entries.put(shard, writeShard(shard, weights));
        }
        return entries;
    }

    /** Adds a file of the staging folder, which this or another process has written, to the published folder. */
    void addCompanion(String name, Manifest.Entry entry) {
        companions.put(name, entry);
    }

    /** Writes any other additional file of the published folder. */
    void writeCompanion(String name, byte[] content) throws IOException {
        companions.put(name, Storage.write(fs, new Path(folder, name), content));
    }

    /**
     * Publishes the model.
     *
     * @param known results of {@link #writeShard}, by shard number; other shards are read and hashed
     * @throws IllegalStateException if a shard was not written
     * @return the model, in {@code dir}, or on an object store in a folder {@code <name>.<token>} beside it
     * @throws UserError (conflict) if the model's folder exists now
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
        files.put(TensorIndex.FILE, writer.writeIndex());
        byte[] configJson = ConfigJson.write(config, dtype);
        files.put(ModelFolder.CONFIG, Storage.write(fs, new Path(folder, ModelFolder.CONFIG), configJson));
        var manifest = new Manifest(Manifest.FORMAT, shards.layout().length(), files, lineage);
        checkFree();
        Storage.write(fs, new Path(folder, ModelFolder.MANIFEST), manifest.toJson());
        if (inPlace) {
            return ModelFolder.open(fs, folder);
        }
        move(files.keySet());
        return ModelFolder.open(fs, dir);
    }

    /** Moves the files, and then the manifest, into the model's folder. */
    private void move(Set<String> files) throws IOException {
        if (!Unfinished.reserve(fs, dir, token)) {
            throw exists();
        }
        reserved = true;
        for (String name : files) {
            move(name);
        }
        move(ModelFolder.MANIFEST);
        reserved = false;
        Unfinished.release(fs, dir);
        fs.delete(folder, true);
    }

    private void move(String name) throws IOException {
        if (!Storage.rename(fs, new Path(folder, name), new Path(dir, name))) {
            throw exists();
        }
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

    /** Deletes everything that was written and is not published. */
    public void discard() throws IOException {
        fs.delete(folder, true);
        if (reserved) {
            Unfinished.remove(fs, dir);
        }
    }

    private void checkFree() throws IOException {
        if (inPlace || !fs.exists(dir)) { // in place nothing is there before
            return;
        }
        boolean emptyFolder = fs.getFileStatus(dir).isDirectory() && fs.listStatus(dir).length == 0;
        if (!emptyFolder || !fs.delete(dir, false)) {
            throw exists();
        }
    }

    private UserError exists() {
        return UserError.conflict(
                dir + " exists already; a model is never overwritten",
                "Remove it, or choose another name for the model.");
    }
}
