package dev.uncurl.jobs.tokenize;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.DataFileWriter;
import dev.uncurl.jobs.warehouse.Leftovers;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.RunRow;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.stream.Collectors;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.Transaction;
import org.apache.iceberg.UpdateProperties;
import org.apache.iceberg.exceptions.ValidationException;
import org.apache.iceberg.expressions.Expression;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.io.CloseableIterable;

/**
 * Commits the data files of a run to the tables, where they replace the previous rows of the same corpora. One commit
 * per table, corpus.runs last. Only metadata changes; no row is read or copied.
 */
final class CorpusCommit {
    /**
     * A corpus whose files are ready to be committed.
     *
     * @param inBothSplits number of texts that are in both splits
     */
    record Ready(CorpusPlan plan, CorpusTotals totals, List<CorpusOutput.Written> written, long inBothSplits) {
        /** Rows of corpus.sequences and corpus.examples. */
        long rows() {
            return written.stream()
                    .filter(file -> file.key().kind() == StagedKey.Kind.SEQUENCE
                            || file.key().kind() == StagedKey.Kind.EXAMPLE)
                    .mapToLong(CorpusOutput.Written::rows)
                    .sum();
        }

        /** Tokens in those rows. */
        long tokens() {
            return totals.tokens() - totals.droppedTotal();
        }
    }

    private final Warehouse warehouse;
    private final TokenizeConfig config;
    private final String tokenizer;
    private final String command;

    CorpusCommit(Warehouse warehouse, TokenizeConfig config, String tokenizer, String command) {
        this.warehouse = warehouse;
        this.config = config;
        this.tokenizer = tokenizer;
        this.command = command;
    }

    void commit(List<Ready> corpora) {
        replace(
                UncurlTable.EXAMPLES,
                StagedKey.Kind.EXAMPLE,
                corpora); // first: this commit fails if another run has written the same task
        replace(UncurlTable.SEQUENCES, StagedKey.Kind.SEQUENCE, corpora);
        replace(UncurlTable.REJECTIONS, StagedKey.Kind.REJECTION, corpora);
        replace(UncurlTable.DOCUMENTS, StagedKey.Kind.DOCUMENT, corpora);
        appendRuns(corpora);
        removeLeftovers(corpora);
    }

    private static Set<String> names(List<Ready> corpora) {
        return corpora.stream().map(corpus -> corpus.plan.name()).collect(Collectors.toCollection(TreeSet::new));
    }

    /**
     * Selects the partitions whose first value is one of the names.
     *
     * @param column of that first value
     */
    private static Expression partitions(String column, Set<String> names) {
        return names.isEmpty() ? Expressions.alwaysFalse() : Expressions.in(column, names.toArray());
    }

    private void replace(UncurlTable table, StagedKey.Kind kind, List<Ready> corpora) {
        var files = new ArrayList<DataFile>();
        for (Ready corpus : corpora) {
            corpus.written.stream().filter(file -> file.key().kind() == kind).forEach(file -> files.add(file.file()));
        }
        Table iceberg = warehouse.iceberg(table);
        iceberg.refresh();
        warehouse.requireLeases();
        Set<String> names = names(corpora);
        Expression old = partitions("corpus", names);
        Expression touched = old;
        if (table == UncurlTable.EXAMPLES) { // a task belongs to one corpus, so its partitions have only its rows
            Set<String> tasks = files.stream()
                    .map(file -> file.partition().get(0, String.class))
                    .collect(Collectors.toCollection(TreeSet::new));
            old = partitions("task", new TaskNames(warehouse).replaced(iceberg.currentSnapshot(), names, tasks));
            touched = Expressions.or(old, partitions("task", tasks));
        }
        if (files.isEmpty() && !any(iceberg, old)) {
            return;
        }
        Transaction transaction = iceberg.newTransaction();
        var overwrite = transaction
                .newOverwrite()
                .overwriteByRowFilter(old)
                .conflictDetectionFilter(touched)
                .validateNoConflictingData();
        if (iceberg.currentSnapshot() != null) {
            overwrite.validateFromSnapshot(iceberg.currentSnapshot().snapshotId());
        }
        files.forEach(overwrite::addFile);
        corpora.forEach(corpus -> overwrite.set("uncurl.run." + corpus.plan.name(), corpus.plan.runId()));
        try {
            overwrite.commit();
            setProperties(transaction, kind, corpora);
            transaction.commitTransaction();
        } catch (ValidationException e) {
            throw UserError.conflict(
                    "Another run has meanwhile written rows of " + String.join(", ", names)
                            + ", or of a task with the same name, to " + table.id(),
                    "Run again: the finished units are kept.");
        }
    }

    private void setProperties(Transaction transaction, StagedKey.Kind kind, List<Ready> corpora) {
        if (kind == StagedKey.Kind.SEQUENCE || kind == StagedKey.Kind.EXAMPLE) {
            UpdateProperties properties = transaction.updateProperties();
            for (Ready corpus : corpora) {
                String prefix = "uncurl." + corpus.plan.name() + ".";
                properties.set(prefix + "tokenizer", tokenizer);
                properties.set(prefix + "vocabulary", Integer.toString(config.vocabulary()));
                properties.set(prefix + "sequence-length", Integer.toString(config.sequenceLength()));
                properties.set(prefix + "configuration", corpus.plan.runId());
            }
            properties.commit();
        }
    }

    private static boolean any(Table table, Expression rows) {
        if (table.currentSnapshot() == null) {
            return false;
        }
        try (CloseableIterable<FileScanTask> tasks =
                table.newScan().filter(rows).planFiles()) {
            return tasks.iterator().hasNext();
        } catch (IOException e) {
            throw new UncheckedIOException("listing the data files of " + table.name(), e);
        }
    }

    private void appendRuns(List<Ready> corpora) {
        Table table = warehouse.iceberg(UncurlTable.RUNS);
        Instant finished = after(table.currentSnapshot());
        var append = table.newAppend();
        for (Ready corpus : corpora) {
            String name = corpus.plan.runId().substring(0, 12) + "-" + UUID.randomUUID();
            try (var out = new DataFileWriter<>(RunRow.class, table, name, corpus.plan.name())) {
                out.add(run(corpus, finished));
                append.appendFile(out.end());
            } catch (IOException e) {
                throw new UncheckedIOException("writing the run of corpus " + corpus.plan.name(), e);
            }
        }
        warehouse.requireLeases();
        append.commit();
    }

    /**
     * Returns the current time, or the time just after the last commit if the clock was set back, so that the newest
     * run has the latest time.
     */
    private static Instant after(Snapshot last) {
        Instant now = Instant.now();
        if (last == null || last.timestampMillis() < now.toEpochMilli()) {
            return now;
        }
        return Instant.ofEpochMilli(last.timestampMillis() + 1);
    }

    private RunRow run(Ready corpus, Instant finished) {
        CorpusTotals totals = corpus.totals;
        return new RunRow(
                corpus.plan.runId(),
                corpus.plan.name(),
                finished,
                totals.documents(),
                totals.kept(),
                totals.filteredTotal(),
                totals.rejectedTotal(),
                totals.filtered(),
                totals.rejected(),
                corpus.tokens(),
                totals.dropped(),
                totals.padding(),
                corpus.rows(),
                corpus.plan.bytes(),
                totals.textBytes(),
                totals.lengths(),
                totals.languages(),
                tokenizer,
                config.vocabulary(),
                config.sequenceLength(),
                config.licences().getOrDefault(corpus.plan.name(), "not stated"),
                corpus.plan.sources(),
                command,
                corpus.plan.inputs(),
                Optional.of(totals.damagedFiles()),
                Optional.of(totals.rejectedBySplit()),
                Optional.of(corpus.inBothSplits));
    }

    /** Removes files that earlier attempts at these runs wrote and that were not committed. */
    private void removeLeftovers(List<Ready> corpora) {
        for (Ready corpus : corpora) {
            String own = corpus.plan.runId().substring(0, 12) + "-";
            for (StagedKey.Kind kind : StagedKey.Kind.values()) {
                List<DataFile> files = corpus.written.stream()
                        .filter(file -> file.key().kind() == kind)
                        .map(CorpusOutput.Written::file)
                        .toList();
                new Leftovers(warehouse).remove(table(kind), files, name -> name.startsWith(own));
            }
        }
    }

    private static UncurlTable table(StagedKey.Kind kind) {
        return switch (kind) {
            case SEQUENCE -> UncurlTable.SEQUENCES;
            case EXAMPLE -> UncurlTable.EXAMPLES;
            case REJECTION -> UncurlTable.REJECTIONS;
            case DOCUMENT -> UncurlTable.DOCUMENTS;
        };
    }
}
