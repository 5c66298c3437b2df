package dev.uncurl.checkpoint;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.UUID;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Writes the shards of a folder, from one process or several. A shard may be written more than once, by a retried or speculative
 * task: each attempt writes its own file with the same bytes, and the first that finishes gets the name of the shard. On an object
 * store, where a file appears when it is complete, each attempt writes to the name of the shard.
 */
public final class ShardWriter {
    private static final String ATTEMPT = ".attempt";

    /** Writes the tensors of one file, in the declared order. */
    @FunctionalInterface
    public interface Content {
        void writeTo(SafetensorsWriter writer) throws IOException;
    }

    private final FileSystem fs;
    private final Path folder;
    private final ShardedTensors shards;

    /** @param folder must exist */
    public ShardWriter(FileSystem fs, Path folder, ShardedTensors shards) {
        this.fs = Storage.plain(fs);
        this.folder = folder;
        this.shards = shards;
    }

    public ShardedTensors shards() {
        return shards;
    }

    /** Writes a shard and returns its size, hash and checksums. */
    public Manifest.Entry writeShard(int shard, Content content) throws IOException {
        return write(shards.file(shard), shards.declarations(shard), Map.of("format", "pt"), content);
    }

    /** Writes the index; after that, {@link TensorFolder} can read the folder. */
    public Manifest.Entry writeIndex() throws IOException {
        return Storage.write(fs, new Path(folder, TensorIndex.FILE), shards.index());
    }

    /** Writes a safetensors file with any name, tensors and metadata. */
    Manifest.Entry write(
            String name, List<SafetensorsWriter.Declaration> tensors, Map<String, String> metadata, Content content)
            throws IOException {
        var file = new Path(folder, name);
        if (ObjectStore.is(fs)) {
            Storage.Output out = Storage.replace(fs, file);
            SortedMap<String, String> sums = write(out, tensors, metadata, content);
            return new Manifest.Entry(out.bytes(), out.sha256(), sums);
        }
        var attempt = new Path(folder, name + "." + UUID.randomUUID() + ATTEMPT);
        Storage.Output out = Storage.create(fs, attempt);
        SortedMap<String, String> sums = write(out, tensors, metadata, content);
        if (!Storage.rename(fs, attempt, file)) {
            fs.delete(attempt, false);
        }
        return new Manifest.Entry(out.bytes(), out.sha256(), sums);
    }

    private static SortedMap<String, String> write(
            Storage.Output out,
            List<SafetensorsWriter.Declaration> tensors,
            Map<String, String> metadata,
            Content content)
            throws IOException {
        try (var writer = new SafetensorsWriter(out, tensors, metadata)) {
            content.writeTo(writer);
            out.whole(); // finish closes the file
            writer.finish();
            return writer.sums();
        }
    }
}
