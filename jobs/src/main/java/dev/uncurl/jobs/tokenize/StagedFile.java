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
 * Writes the rows of a unit so that rows of one key lie together: they gather in memory by key, and whenever they are
 * {@link #RUN} bytes in all, each key's go out as one segment.
 */
final class StagedFile implements Closeable {
    /** Bytes that gather before they are written: bounds the memory of a task. */
    private static final int RUN = 24 << 20;

    private static final class Gathered {
        private final RecordBuffer buffer = new RecordBuffer();
        private int records;
    }

    private final FSDataOutputStream out;
    private final Map<StagedKey, Gathered> gathered = new TreeMap<>();
    private final List<UnitReport.Segment> segments = new ArrayList<>();
    private long pending;

    StagedFile(FileSystem files, Path path) throws IOException {
        this.out = files.create(path, true);
    }

    /** Where the next record of the key goes. Call {@link #added} when it is written. */
    RecordBuffer record(StagedKey key) {
        Gathered to = gathered.computeIfAbsent(key, k -> new Gathered());
        to.records++;
        return to.buffer;
    }

    /** @param bytes that the record took */
    void added(long bytes) {
        pending += bytes;
        if (pending > RUN) {
            flush();
        }
    }

    private void flush() {
        try {
            for (var entry : gathered.entrySet()) {
                Gathered rows = entry.getValue();
                segments.add(new UnitReport.Segment(entry.getKey(), out.getPos(), rows.buffer.size(), rows.records));
                out.write(rows.buffer.bytes(), 0, rows.buffer.size());
            }
            gathered.clear();
            pending = 0;
        } catch (IOException e) {
            throw new UncheckedIOException("staging rows", e);
        }
    }

    /** Ends the file and gives its segments. */
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
