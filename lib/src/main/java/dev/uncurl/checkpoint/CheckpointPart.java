package dev.uncurl.checkpoint;

import dev.uncurl.model.FlatMoments;
import dev.uncurl.model.Weights;
import dev.uncurl.model.spec.ElementRange;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * What one rank has written of a {@link TrainingCheckpoint}.
 *
 * @param shards of the parameters, by shard number
 * @param file name of the file with the rank's moments
 * @param moments its size, hash and checksums
 */
public record CheckpointPart(Map<Integer, Manifest.Entry> shards, String file, Manifest.Entry moments)
        implements Serializable {
    /**
     * In the metadata of a file of moments: index of the first moment of each piece in the flat parameters of the whole model,
     * ascending, with commas.
     */
    static final String BEGIN = "begin";

    /** Most moments in a piece: it has a checksum of its own, so that it is read as a whole. */
    private static final long PIECE = 1L << 24;

    /**
     * Writes shards of the parameters, each by one of the ranks that have them, and the moments of the rank's slice.
     *
     * @param staging the checkpoint's staging folder
     * @param parameters those that the rank has
     * @param moments of a range of the slice, counted from its first moment: tensors {@link FlatMoments#FIRST} and
     *     {@link FlatMoments#SECOND}
     * @param slice of the flat parameters: the slices of all ranks together are all of them
     */
    public static CheckpointPart write(
            ModelStaging staging, Weights parameters, Function<ElementRange, Weights> moments, Slice slice)
            throws IOException {
        return write(staging, parameters, moments, slice, PIECE);
    }

    /** @param most moments of a piece */
    static CheckpointPart write(
            ModelStaging staging, Weights parameters, Function<ElementRange, Weights> moments, Slice slice, long most)
            throws IOException {
        var shards = new TreeMap<Integer, Manifest.Entry>();
        for (int shard = 0; shard < staging.shards().count(); shard++) {
            if (staging.shards().writer(shard, slice.ranks()) == slice.rank()) {
                shards.put(shard, staging.writeShard(shard, parameters));
            }
        }
        List<ElementRange> pieces = slice.pieces(most);
        Manifest.Entry entry = staging.writer()
                .write(slice.file(), declarations(pieces), Map.of("format", "pt", BEGIN, begins(pieces)), writer -> {
                    for (String moment : List.of(FlatMoments.FIRST, FlatMoments.SECOND)) {
                        long at = 0;
                        for (int piece = 0; piece < pieces.size(); piece++) {
                            long end = at + pieces.get(piece).length();
                            writer.write(name(moment, piece), moments.apply(new ElementRange(at, end)), moment);
                            at = end;
                        }
                    }
                });
        return new CheckpointPart(shards, slice.file(), entry);
    }

    private static List<SafetensorsWriter.Declaration> declarations(List<ElementRange> pieces) {
        var declarations = new ArrayList<SafetensorsWriter.Declaration>();
        for (String moment : List.of(FlatMoments.FIRST, FlatMoments.SECOND)) {
            for (int piece = 0; piece < pieces.size(); piece++) {
                int length = Math.toIntExact(pieces.get(piece).length());
                declarations.add(new SafetensorsWriter.Declaration(name(moment, piece), List.of(length)));
            }
        }
        return declarations;
    }

    private static String begins(List<ElementRange> pieces) {
        return pieces.stream().map(piece -> Long.toString(piece.from())).collect(Collectors.joining(","));
    }

    /** Name of the tensor of a piece: {@code exp_avg}, {@code exp_avg.1}, {@code exp_avg.2} and so on. */
    static String name(String moment, int piece) {
        return piece == 0 ? moment : moment + "." + piece;
    }

    /**
     * The parameters whose moments a rank has.
     *
     * @param ranges of {@link ParameterLayout#of(dev.uncurl.model.spec.ModelConfig)}, in the order of the moments
     */
    public record Slice(int rank, int ranks, List<ElementRange> ranges) {
        /** A slice that is one range. @param begin index of its first parameter */
        public Slice(int rank, int ranks, long begin, long length) {
            this(rank, ranks, List.of(new ElementRange(begin, begin + length)));
        }

        /** {@code moments-00000-of-00002.safetensors} */
        String file() {
            return String.format(Locale.ROOT, "moments-%05d-of-%05d.safetensors", rank, ranks);
        }

        /** The ranges, divided into pieces of at most so many parameters; one without any if there are none. */
        List<ElementRange> pieces(long most) {
            var pieces = new ArrayList<ElementRange>();
            for (ElementRange range : ranges) {
                for (long at = range.from(); at < range.to(); at += most) {
                    pieces.add(new ElementRange(at, Math.min(range.to(), at + most)));
                }
            }
            return pieces.isEmpty() ? List.of(new ElementRange(0, 0)) : pieces;
        }
    }
}
