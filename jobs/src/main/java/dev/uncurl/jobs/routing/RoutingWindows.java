package dev.uncurl.jobs.routing;

import dev.uncurl.jobs.warehouse.Examples;
import dev.uncurl.model.Sequences;
import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.spec.ModelConfig;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.sql.Row;

/**
 * Divides the sequences of one Spark task of a dump into windows: sequences with neighbouring ids whose router logits fit
 * into memory together. The model runs on a window in batches of sequences of similar length; the rows are written in
 * the order of ids. Windows and batches depend on ids and lengths only, so that logits have the same bits for any number
 * of Spark tasks.
 */
final class RoutingWindows implements Iterator<List<RoutingWindows.Sequence>> {
    /** Sequences per forward pass. */
    static final int BATCH = 8;

    /** Approximate number of sequences of a chunk, which is never divided between Spark tasks. */
    private static final int CHUNK = 64;

    /** The most floats of routing in a window. */
    private static final long WINDOW_FLOATS = 32 << 20;

    /** A sequence of tokens and its id. */
    record Sequence(long id, int[] tokens) {}

    /**
     * How ids are divided into chunks, and chunks into windows.
     *
     * @param span number of ids of a chunk
     * @param window the most sequences of a window
     */
    record Chunking(long span, int window) implements Serializable {
        static Chunking of(DumpSequences inputs, ModelConfig config) {
            double density = (double) inputs.sequences() / (inputs.highestId() + 1);
            long floats = 0;
            for (int layer : config.moeLayers()) {
                int rows = config.moe().layer(layer).routerRows();
                floats += config.sequenceLength() * (rows + 3L * config.moe().choices(layer));
            }
            long window = Math.max(BATCH, Math.min(CHUNK, WINDOW_FLOATS / floats / BATCH * BATCH));
            return new Chunking(Math.max(1, Math.round(CHUNK / density)), (int) window);
        }

        long chunk(long id) {
            return id / span;
        }
    }

    private final Iterator<Row> rows;
    private final Chunking chunking;
    private Sequence ahead;

    /** @param rows columns sequence_id and tokens: whole chunks in the order of ids */
    RoutingWindows(Iterator<Row> rows, Chunking chunking) {
        this.rows = rows;
        this.chunking = chunking;
        ahead = read();
    }

    private Sequence read() {
        if (!rows.hasNext()) {
            return null;
        }
        Row row = rows.next();
        return new Sequence(row.getAs("sequence_id"), Examples.ints(row, "tokens"));
    }

    @Override
    public boolean hasNext() {
        return ahead != null;
    }

    @Override
    public List<Sequence> next() {
        if (ahead == null) {
            throw new java.util.NoSuchElementException();
        }
        var window = new ArrayList<Sequence>();
        long chunk = chunking.chunk(ahead.id);
        while (ahead != null && chunking.chunk(ahead.id) == chunk && window.size() < chunking.window) {
            window.add(ahead);
            ahead = read();
        }
        return window;
    }

    /** The sequences of a window in batches, the longest first. */
    static List<List<Sequence>> batches(List<Sequence> window) {
        var sorted = new ArrayList<>(window);
        sorted.sort(Comparator.comparingInt((Sequence sequence) -> -sequence.tokens.length)
                .thenComparingLong(Sequence::id));
        var batches = new ArrayList<List<Sequence>>();
        for (int from = 0; from < sorted.size(); from += BATCH) {
            batches.add(sorted.subList(from, Math.min(from + BATCH, sorted.size())));
        }
        return batches;
    }

    /** A batch without targets: routing does not need the output head of the model. */
    static TokenBatch tokens(List<Sequence> batch) {
        return Sequences.padded(
                batch.stream().map(Sequence::tokens).toList(),
                batch.stream().map(sequence -> new int[0]).toList());
    }
}
