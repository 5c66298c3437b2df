package dev.uncurl.jobs.tokenize;

import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Writes the rows of a unit, grouped by key. Rows are collected in memory by key; whenever they exceed {@link #RUN}
 * bytes in total, the rows of each key are written as one segment.
 */
final class StagedFile implements Closeable {
    /** Bytes that are collected before they are written; bounds the memory of a task. */
    private static final int RUN = 24 << 20;

    private static final class Collected {
        private final RecordBuffer buffer = new RecordBuffer();
        private int records;
    }

    private final FSDataOutputStream out;
    private final Map<StagedKey, Collected> collected = new TreeMap<>();
    private final List<UnitReport.Segment> segments = new ArrayList<>();
    private long pending;

    StagedFile(FileSystem files, Path path) throws IOException {
        this.out = files.create(path, true);
    }

    /** Returns the buffer for the next record of a key. Call {@link #added} after writing the record. */
    RecordBuffer record(StagedKey key) {
        Collected to = collected.computeIfAbsent(key, k -> new Collected());
        to.records++;
        return to.buffer;
    }

    /** @param bytes size of the record */
    void added(long bytes) {
        pending += bytes;
        if (pending > RUN) {
            flush();
        }
    }

    private void flush() {
        try {
            for (var entry : collected.entrySet()) {
                Collected rows = entry.getValue();
                segments.add(new UnitReport.Segment(entry.getKey(), out.getPos(), rows.buffer.size(), rows.records));
                out.write(rows.buffer.bytes(), 0, rows.buffer.size());
            }
            collected.clear();
            pending = 0;
        } catch (IOException e) {
            throw new UncheckedIOException("staging rows", e);
        }
    }

    /** Writes the remaining rows and returns all segments. */
    List<UnitReport.Segment> end() {
        flush();
        return segments;
    }

    long size() {
        return out.getPos();
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
