package dev.uncurl.jobs.warehouse;

import dev.uncurl.error.UserError;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DataOperations;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.exceptions.ValidationException;
import org.apache.iceberg.expressions.Expression;
import org.apache.iceberg.spark.Spark3Util;
import org.apache.iceberg.spark.SparkWriteOptions;
import org.apache.iceberg.util.SnapshotUtil;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.DataFrameWriterV2;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.analysis.NoSuchTableException;
import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.functions;

/**
 * Commits to the tables. One that replaces rows is refused when another run has changed the same rows since the table was read here.
 */
final class TableCommits {
    private final SparkSession spark;
    private final Runnable requireLeases;

    /** @param requireLeases called after a table was read and before it is changed; throws if this run may change nothing any more */
    TableCommits(SparkSession spark, Runnable requireLeases) {
        this.spark = spark;
        this.requireLeases = requireLeases;
    }

    /** A table in Iceberg's API, as it is now. */
    private Table refreshed(UncurlTable table) {
        Table iceberg = load(table);
        iceberg.refresh();
        return iceberg;
    }

    Table load(UncurlTable table) {
        try {
            return Spark3Util.loadIcebergTable(spark, table.fullName());
        } catch (ParseException e) {
            throw new IllegalStateException("The name " + table.fullName() + " cannot be parsed", e);
        } catch (NoSuchTableException e) {
            throw missing(e);
        }
    }

    /** @throws UserError (conflict) when another run changes the same rows now */
    void replace(UncurlTable table, Dataset<Row> rows, Column condition) {
        try {
            Snapshot before = refreshed(table).currentSnapshot();
            sinceRewrites(table, before, since -> replaceSince(since, table, rows, condition));
        } catch (ValidationException e) {
            throw changed(table, e);
        }
    }

    /**
     * Commits, and once more if all that happened to the table meanwhile is that its files were rewritten with the same rows, as
     * maintain does.
     *
     * @throws ValidationException when rows were changed
     */
    private void sinceRewrites(UncurlTable table, Snapshot before, Consumer<Snapshot> commit) {
        for (Snapshot since = before; ; ) {
            try {
                commit.accept(since);
                return;
            } catch (ValidationException e) {
                Table now = refreshed(table);
                if (!isOnlyRewritten(now, since)) {
                    throw e;
                }
                since = now.currentSnapshot();
            }
        }
    }

    private static boolean isOnlyRewritten(Table table, Snapshot since) {
        if (since == null || since.snapshotId() == table.currentSnapshot().snapshotId()) {
            return false;
        }
        for (Snapshot later : SnapshotUtil.currentAncestors(table)) {
            if (later.snapshotId() == since.snapshotId()) {
                return true;
            }
            if (!later.operation().equals(DataOperations.REPLACE)) {
                return false;
            }
        }
        return false; // it was expired
    }

    /** Adds rows if there are none that match. @return false if there are, also if another run adds them now */
    boolean addIfNone(UncurlTable table, Dataset<Row> rows, Column condition) {
        Snapshot before = refreshed(table).currentSnapshot();
        if (!spark.table(table.fullName()).where(condition).isEmpty()) {
            return false;
        }
        try {
            sinceRewrites(table, before, since -> replaceSince(since, table, rows, condition));
            return true;
        } catch (ValidationException e) {
            return false;
        }
    }

    private void replaceSince(Snapshot before, UncurlTable table, Dataset<Row> rows, Column condition) {
        requireLeases.run();
        DataFrameWriterV2<Row> writer = writer(table, rows).option(SparkWriteOptions.ISOLATION_LEVEL, "serializable");
        if (before != null) {
            writer.option(SparkWriteOptions.VALIDATE_FROM_SNAPSHOT_ID, Long.toString(before.snapshotId()));
        }
        try {
            writer.overwrite(condition);
        } catch (NoSuchTableException e) {
            throw missing(e);
        }
    }

    void append(UncurlTable table, Dataset<Row> rows) {
        requireLeases.run();
        try {
            writer(table, rows).append();
        } catch (NoSuchTableException e) {
            throw missing(e);
        }
    }

    /** @throws UserError (conflict) when another run changes the same rows now */
    void replaceFiles(UncurlTable table, List<DataFile> files, Expression rows, String property, String value) {
        Table iceberg = refreshed(table);
        requireLeases.run();
        var overwrite = iceberg.newOverwrite()
                .overwriteByRowFilter(rows)
                .conflictDetectionFilter(rows)
                .validateNoConflictingData();
        Optional.ofNullable(iceberg.currentSnapshot())
                .ifPresent(snapshot -> overwrite.validateFromSnapshot(snapshot.snapshotId()));
        files.forEach(overwrite::addFile);
        overwrite.set(property, value);
        try {
            overwrite.commit();
        } catch (ValidationException e) {
            throw changed(table, e);
        }
    }

    private DataFrameWriterV2<Row> writer(UncurlTable table, Dataset<Row> rows) {
        Column[] columns = Arrays.stream(spark.table(table.fullName()).columns())
                .map(functions::col)
                .toArray(Column[]::new);
        return rows.select(columns).writeTo(table.fullName());
    }

    private static IllegalStateException missing(NoSuchTableException e) {
        return new IllegalStateException("A table that was there when the warehouse was opened is gone", e);
    }

    private static UserError changed(UncurlTable table, ValidationException e) {
        return UserError.conflict(
                "Another run has meanwhile changed the same rows of " + table.id() + ": " + e.getMessage(),
                "Run the command again: what is finished is reused.");
    }
}
