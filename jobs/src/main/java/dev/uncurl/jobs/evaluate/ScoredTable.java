package dev.uncurl.jobs.evaluate;

import dev.uncurl.jobs.warehouse.Leftovers;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.Table;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.expressions.Expression;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.io.CloseableIterable;

/**
 * The tables evaluation.examples and evaluation.results, read as streams and committed as data files, without Spark: a
 * Spark job for each of these steps would take longer than scoring a small task.
 */
final class ScoredTable {
    private static final Pattern OWN_FILE = Pattern.compile("[0-9a-f]{12}-[0-9a-f-]{36}\\.parquet");

    /** Digits of each key's id in the summary of a commit of several. */
    private static final int DIGITS = 12;

    private final Warehouse warehouse;
    private final UncurlTable id;

    ScoredTable(Warehouse warehouse, UncurlTable id) {
        this.warehouse = warehouse;
        this.id = id;
    }

    /** Whether evaluation.examples has the rows of a key, with the columns that metrics and comparisons need. */
    static boolean hasExamples(Warehouse warehouse, ScoringKey key) {
        return new ScoredTable(warehouse, UncurlTable.SCORED)
                .any(Expressions.and(key.rows(), Expressions.notNull("prompt_tokens")));
    }

    /** Whether evaluation.results has rows of a key with the names that metrics have now. */
    static boolean hasResults(Warehouse warehouse, ScoringKey key) {
        return new ScoredTable(warehouse, UncurlTable.RESULTS)
                .any(Expressions.and(key.rows(), Expressions.notNull("examples_cut")));
    }

    private boolean any(Expression rows) {
        try (CloseableIterable<Record> found = rows(rows, "data")) {
            return found.iterator().hasNext();
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + id.id(), e);
        }
    }

    /** The rows that match, in no order; the caller closes them. */
    CloseableIterable<Record> rows(Expression rows, String... columns) {
        Table table = warehouse.iceberg(id);
        table.refresh();
        return IcebergGenerics.read(table).select(columns).where(rows).build();
    }

    /** Replaces the rows of the keys' models, tasks and splits by data files, in one commit. */
    void commit(List<ScoringKey> keys, List<DataFile> files) {
        Expression rows =
                keys.stream().map(ScoringKey::partition).reduce(Expressions::or).orElseThrow();
        String ids = keys.size() == 1
                ? keys.get(0).id()
                : keys.stream().map(key -> key.id().substring(0, DIGITS)).collect(Collectors.joining(" "));
        warehouse.replaceFiles(id, files, rows, "uncurl.evaluation", ids);
        new Leftovers(warehouse)
                .remove(id, files, name -> OWN_FILE.matcher(name).matches());
    }
}
