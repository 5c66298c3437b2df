package dev.uncurl.jobs.maintain;

import static org.apache.spark.sql.functions.array;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.explode;
import static org.apache.spark.sql.functions.when;

import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.CellRow;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.apache.spark.sql.Column;

/**
 * Which models may be deleted: those that a sweep made, and that no kept cell needs. A kept cell is one of the newest dates of its
 * sweep. A model that a sweep has only ever found is somebody's own, and so are all that no sweep names; and the ancestors of models
 * that stay are needed to compare with.
 */
final class UnneededModels {
    private final Warehouse warehouse;
    private final int nights;
    private final Predicate<CellRow> keeps;

    /**
     * @param nights newest dates of each sweep whose cells are kept
     * @param keeps which of these cells keep their models
     */
    UnneededModels(Warehouse warehouse, int nights, Predicate<CellRow> keeps) {
        this.warehouse = warehouse;
        this.nights = nights;
        this.keeps = keeps;
    }

    /** Columns of sweep.cells. */
    private record Night(String sweep, String asOf) {}

    /** Columns of models.registry. */
    private record Child(String modelId, Optional<String> parentModelId) {}

    /** @param there models that have a row or a folder */
    SortedSet<String> among(Set<String> there) {
        var nights = Records.read(
                warehouse
                        .table(UncurlTable.CELLS)
                        .select(Records.columns(Night.class))
                        .distinct(),
                Night.class);
        var needed = new HashSet<String>();
        Optional<Column> newest = newest(nights);
        if (newest.isPresent()) {
            for (CellRow cell : Records.read(warehouse.table(UncurlTable.CELLS).where(newest.get()), CellRow.class)) {
                needed.add(cell.modelId());
                if (keeps.test(cell)) {
                    needed.addAll(madeOf(cell));
                }
            }
        }
        var parents = new HashMap<String, String>();
        Records.read(warehouse.table(UncurlTable.REGISTRY), Child.class)
                .forEach(row -> row.parentModelId.ifPresent(parent -> parents.put(row.modelId, parent)));
        var candidates = new HashSet<>(there);
        candidates.removeAll(needed);
        return candidates.isEmpty() ? new TreeSet<>() : unneeded(candidates, made(candidates), there, parents);
    }

    /** The models of a cell: the pruned one and, with a recipe, the one that was finetuned from it. */
    static List<String> madeOf(CellRow cell) {
        var models = new TreeSet<String>();
        cell.prunedModelId().ifPresent(models::add);
        cell.recipe().flatMap(recipe -> cell.resultsId()).ifPresent(models::add);
        return List.copyOf(models);
    }

    /** The cells of the newest dates of each sweep. */
    private Optional<Column> newest(Collection<Night> all) {
        var dates = new TreeMap<String, TreeSet<String>>();
        all.forEach(night -> dates.computeIfAbsent(night.sweep, key -> new TreeSet<>(Comparator.reverseOrder()))
                .add(night.asOf));
        return dates.entrySet().stream()
                .map(sweep -> col("sweep")
                        .equalTo(sweep.getKey())
                        .and(col("as_of").geq(oldestKept(sweep.getValue(), nights))))
                .reduce(Column::or);
    }

    /** @param dates the newest first */
    static String oldestKept(SortedSet<String> dates, int nights) {
        return dates.stream().limit(nights).reduce((newer, older) -> older).orElseThrow();
    }

    /** Those of the models that some sweep has made. */
    private Set<String> made(Set<String> models) {
        var rows = warehouse
                .table(UncurlTable.CELLS)
                .where(col("attempts").gt(0))
                .select(explode(array(col("pruned_model_id"), when(col("recipe").isNotNull(), col("results_id"))))
                        .as("model"))
                .where(col("model").isNotNull())
                .distinct();
        var made = new HashSet<String>();
        rows.collectAsList().forEach(row -> made.add(row.getString(0)));
        made.retainAll(models);
        return made;
    }

    /**
     * @param candidates models that no kept cell names
     * @param made those of them that a sweep made
     * @param there all models
     * @param parents of models, by name
     */
    static SortedSet<String> unneeded(
            Set<String> candidates, Set<String> made, Set<String> there, Map<String, String> parents) {
        var unneeded = new TreeSet<>(made);
        unneeded.retainAll(candidates);
        for (String model : there) {
            if (!unneeded.contains(model)) {
                for (String parent = parents.get(model); parent != null && unneeded.remove(parent); ) {
                    parent = parents.get(parent);
                }
            }
        }
        return unneeded;
    }
}
