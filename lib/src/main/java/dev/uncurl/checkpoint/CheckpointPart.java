package dev.uncurl.checkpoint;

import dev.uncurl.model.FlatMoments;
import dev.uncurl.model.Weights;
import java.io.IOException;
import java.io.Serializable;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * What one rank has written of a {@link TrainingCheckpoint}.
 *
 * @param shards of the parameters, by shard number
 * @param file name of the file with the rank's moments
 * @param moments its size, hash and checksums
 */
public record CheckpointPart(Map<Integer, Manifest.Entry> shards, String file, Manifest.Entry moments)
        implements Serializable {
    /** In the metadata of a file of moments: index of its first one in the flat parameters. */
    static final String BEGIN = "begin";

    /**
     * Writes every ranks-th shard of the parameters, which all ranks have, and the moments of the rank's slice.
     *
     * @param staging the checkpoint's staging folder
     * @param moments tensors {@link FlatMoments#FIRST} and {@link FlatMoments#SECOND}
     * @param slice of the flat parameters: the slices of all ranks together are all of them
     */
    public static CheckpointPart write(ModelStaging staging, Weights parameters, Weights moments, Slice slice)
            throws IOException {
        var shards = new TreeMap<Integer, Manifest.Entry>();
        for (int shard = slice.rank(); shard < staging.shards().count(); shard += slice.ranks()) {
            shards.put(shard, staging.writeShard(shard, parameters));
        }
        String file = slice.file();
        Manifest.Entry entry = staging.writer()
                .write(
                        file,
                        List.of(declaration(FlatMoments.FIRST, slice), declaration(FlatMoments.SECOND, slice)),
                        Map.of("format", "pt", BEGIN, Long.toString(slice.begin())),
                        writer -> {
                            writer.write(FlatMoments.FIRST, moments, FlatMoments.FIRST);
                            writer.write(FlatMoments.SECOND, moments, FlatMoments.SECOND);
                        });
        return new CheckpointPart(shards, file, entry);
    }

    private static SafetensorsWriter.Declaration declaration(String name, Slice slice) {
        return new SafetensorsWriter.Declaration(name, List.of(Math.toIntExact(slice.length())));
    }

    /**
     * The parameters whose moments a rank has.
     *
     * @param begin index of the first one in the flat parameters
     */
    public record Slice(int rank, int ranks, long begin, long length) {
        /** {@code moments-00000-of-00002.safetensors} */
        String file() {
            return String.format(Locale.ROOT, "moments-%05d-of-%05d.safetensors", rank, ranks);
        }
    }
}
