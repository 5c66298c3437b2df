package dev.uncurl.jobs;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.sql.Row;

/** Takes rows in chunks, turns each chunk into rows, and holds one chunk in memory. */
final class ChunkedIterator implements Iterator<Row> {
    private final Iterator<Row> rows;
    private final int size;
    private final FlatMapFunction<List<Row>, Row> work;
    private Iterator<Row> current = Collections.emptyIterator();

    ChunkedIterator(Iterator<Row> rows, int size, FlatMapFunction<List<Row>, Row> work) {
        this.rows = rows;
        this.size = size;
        this.work = work;
    }

    @Override
    public boolean hasNext() {
        while (!current.hasNext() && rows.hasNext()) {
            var chunk = new ArrayList<Row>(size);
            while (chunk.size() < size && rows.hasNext()) {
                chunk.add(rows.next());
            }
            try {
                current = work.call(chunk);
            } catch (RuntimeException e) {
                throw e;
            } catch (Exception e) {
                throw new IllegalStateException("A chunk of " + chunk.size() + " rows could not be worked on", e);
            }
        }
        return current.hasNext();
    }

    @Override
    public Row next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        return current.next();
    }
}
