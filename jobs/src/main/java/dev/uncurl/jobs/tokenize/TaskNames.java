package dev.uncurl.jobs.tokenize;

import static org.apache.spark.sql.functions.col;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.CorpusRun;
import dev.uncurl.jobs.warehouse.ExampleOwners;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;

/**
 * Keeps the names of tasks unique: a task of corpus.examples belongs to one corpus, and no task has the name of another
 * corpus. So every name is unambiguous, and the rows of a corpus are complete partitions.
 */
final class TaskNames {
    private static final String REMEDY = "Choose another name for the corpus, or another --warehouse.";

    private final Warehouse warehouse;

    TaskNames(Warehouse warehouse) {
        this.warehouse = warehouse;
    }

    /**
     * Returns, for a snapshot of corpus.examples, the corpus of each task whose name begins with the name of a corpus;
     * empty without a snapshot.
     */
    private Map<String, String> owners(Snapshot snapshot, Set<String> corpora) {
        var owners = new TreeMap<String, String>();
        if (snapshot == null) {
            return owners;
        }
        var known = new TreeSet<>(CorpusRun.newest(warehouse).keySet());
        known.addAll(corpora);
        Column under = functions.lit(false);
        for (String corpus : corpora) {
            under = under.or(ExampleOwners.under(corpus));
        }
        warehouse
                .spark()
                .read()
                .option("snapshot-id", snapshot.snapshotId())
                .table(UncurlTable.EXAMPLES.fullName())
                .where(under)
                .select(col("task"), new ExampleOwners(known).owner())
                .distinct()
                .collectAsList()
                .forEach(row -> owners.put(row.getString(0), row.getString(1)));
        return owners;
    }

    /**
     * Returns the tasks of corpora in a snapshot of corpus.examples.
     *
     * @param written tasks that replace them
     * @throws UserError (conflict) if one of the written tasks belongs to another corpus in the snapshot
     */
    Set<String> replaced(Snapshot snapshot, Set<String> corpora, Set<String> written) {
        var replaced = new TreeSet<String>();
        owners(snapshot, corpora).forEach((task, owner) -> {
            if (corpora.contains(owner)) {
                replaced.add(task);
            } else if (written.contains(task)) {
                throw clash("Task " + task + " of " + String.join(", ", corpora), "a task of corpus " + owner);
            }
        });
        return replaced;
    }

    /**
     * Must be called before inputs are read.
     *
     * @throws UserError (conflict) if a corpus has the name of a task of another corpus
     */
    void requireNoTasks(List<CorpusPlan> corpora) {
        Object[] names = corpora.stream().map(CorpusPlan::name).toArray();
        for (Row row : warehouse
                .table(UncurlTable.EXAMPLES)
                .where(col("task").isin(names))
                .select(col("task"), ExampleOwners.of(warehouse).owner())
                .na()
                .drop()
                .distinct()
                .collectAsList()) {
            if (!row.getString(0).equals(row.getString(1))) {
                throw clash("Corpus " + row.getString(0), "a task of corpus " + row.getString(1));
            }
        }
    }

    /**
     * Must be called before rows are written.
     *
     * @param units reports of each corpus that is about to be replaced
     * @throws UserError (conflict) if one of their tasks has the name of another corpus or of one of its tasks
     */
    void requireDistinct(Map<String, List<UnitReport>> units) {
        var tasks = new TreeMap<String, Set<String>>();
        units.forEach((corpus, reports) -> tasks.put(corpus, of(reports)));
        var others = new TreeSet<>(CorpusRun.newest(warehouse).keySet());
        others.addAll(tasks.keySet());
        var owner = new TreeMap<String, String>();
        tasks.forEach((corpus, taskNames) -> {
            for (String task : taskNames) {
                if (!task.equals(corpus) && others.contains(task)) {
                    throw clash("Task " + task + " of corpus " + corpus, "another corpus");
                }
                String before = owner.put(task, corpus);
                if (before != null) {
                    throw clash("Task " + task + " of corpus " + corpus, "a task of corpus " + before);
                }
            }
        });
        if (tasks.keySet().stream().anyMatch(corpus -> others.stream().anyMatch(other -> isRelated(corpus, other)))) {
            Table table = warehouse.iceberg(UncurlTable.EXAMPLES);
            table.refresh();
            replaced(table.currentSnapshot(), tasks.keySet(), owner.keySet());
        }
    }

    /** Whether one name is a prefix of the other; only then can two corpora have a task with the same name. */
    private static boolean isRelated(String one, String other) {
        return other.startsWith(one + "/") || one.startsWith(other + "/");
    }

    private static Set<String> of(List<UnitReport> units) {
        return units.stream()
                .flatMap(unit -> unit.segments().stream())
                .map(UnitReport.Segment::key)
                .filter(key -> key.kind() == StagedKey.Kind.EXAMPLE)
                .map(StagedKey::detail)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static UserError clash(String name, String other) {
        return UserError.conflict(name + " has the name of " + other + " of this warehouse", REMEDY);
    }
}
