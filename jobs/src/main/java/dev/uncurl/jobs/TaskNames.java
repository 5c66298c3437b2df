package dev.uncurl.jobs;

import static org.apache.spark.sql.functions.col;

import dev.uncurl.error.Refusal;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.iceberg.Snapshot;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;

/**
 * Keeps names of tasks apart: a task of corpus.examples is of one corpus, and no task has the name of another corpus. So
 * every name means one thing, and the rows of a corpus are whole partitions.
 */
final class TaskNames {
    private static final String REMEDY = "Choose another name for the corpus, or another --warehouse.";

    private final Warehouse warehouse;

    TaskNames(Warehouse warehouse) {
        this.warehouse = warehouse;
    }

    private ExampleOwners owners(List<String> more) {
        var corpora = new TreeSet<>(CorpusRun.newest(warehouse).keySet());
        corpora.addAll(more);
        return new ExampleOwners(corpora);
    }

    /** Tasks that corpora have in a snapshot of corpus.examples; none for no snapshot. */
    Set<String> of(Snapshot snapshot, String... corpora) {
        if (snapshot == null) {
            return Set.of();
        }
        Column under = functions.lit(false);
        for (String corpus : corpora) {
            under = under.or(ExampleOwners.under(corpus));
        }
        return warehouse
                .spark()
                .read()
                .option("snapshot-id", snapshot.snapshotId())
                .table(Warehouse.CATALOG + "." + Tables.EXAMPLES.id())
                .where(under)
                .where(owners(List.of(corpora)).owner().isin((Object[]) corpora))
                .select("task")
                .distinct()
                .collectAsList()
                .stream()
                .map(row -> row.getString(0))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /**
     * To be asked before anything is read.
     *
     * @throws Refusal (conflict) when a corpus has the name of a task of another one
     */
    void requireNoTasks(List<CorpusPlan> corpora) {
        Object[] names = corpora.stream().map(CorpusPlan::name).toArray();
        for (Row row : warehouse
                .table(Tables.EXAMPLES)
                .where(col("task").isin(names))
                .select(col("task"), owners(List.of()).owner())
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
     * To be asked before anything is written.
     *
     * @param units of each corpus that is about to be written in place of what it has
     * @throws Refusal (conflict) when one of their tasks is the name of another corpus or a task of it
     */
    void requireDistinct(Map<String, List<UnitReport>> units) {
        var tasks = new TreeMap<String, Set<String>>();
        units.forEach((corpus, reports) -> tasks.put(corpus, of(reports)));
        var others = new TreeSet<>(CorpusRun.newest(warehouse).keySet());
        others.addAll(tasks.keySet());
        var owner = new TreeMap<String, String>();
        tasks.forEach((corpus, its) -> {
            for (String task : its) {
                if (!task.equals(corpus) && others.contains(task)) {
                    throw clash("Task " + task + " of corpus " + corpus, "another corpus");
                }
                String before = owner.put(task, corpus);
                if (before != null) {
                    throw clash("Task " + task + " of corpus " + corpus, "a task of corpus " + before);
                }
            }
        });
        tasks.keySet().forEach(corpus -> requireNotWritten(corpus, tasks, others));
    }

    private static Set<String> of(List<UnitReport> units) {
        return units.stream()
                .flatMap(unit -> unit.segments().stream())
                .map(UnitReport.Segment::key)
                .filter(key -> key.kind() == StagedKey.Kind.EXAMPLE)
                .map(StagedKey::detail)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** Only a corpus whose name is the beginning of the other's can have the same task: others need no look. */
    private void requireNotWritten(String corpus, Map<String, Set<String>> tasks, Set<String> others) {
        boolean related =
                others.stream().anyMatch(other -> other.startsWith(corpus + "/") || corpus.startsWith(other + "/"));
        if (!related) {
            return;
        }
        ExampleOwners owners = owners(List.copyOf(tasks.keySet()));
        for (Row row : warehouse
                .table(Tables.EXAMPLES)
                .where(ExampleOwners.under(corpus))
                .select(col("task"), owners.owner())
                .distinct()
                .collectAsList()) {
            String other = row.getString(1);
            if (!tasks.containsKey(other) && tasks.get(corpus).contains(row.getString(0))) {
                throw clash("Task " + row.getString(0) + " of corpus " + corpus, "a task of corpus " + other);
            }
        }
    }

    private static Refusal clash(String name, String other) {
        return Refusal.conflict(name + " has the name of " + other + " of this warehouse", REMEDY);
    }
}
