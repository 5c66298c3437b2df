package dev.uncurl.jobs.warehouse;

import dev.uncurl.checkpoint.Unfinished;
import dev.uncurl.error.UserError;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.iceberg.Table;
import org.apache.iceberg.expressions.Expressions;

/**
 * Deletes models: the row of models.registry first, then the folder, so that the registry never names a model that is not there. If
 * the process is killed in between, the folder is left; whoever calls this again with the name deletes it.
 */
public final class ModelRemoval {
    /** Models whose leases are held at the same time. */
    private static final int AT_ONCE = 32;

    private final Warehouse warehouse;

    public ModelRemoval(Warehouse warehouse) {
        this.warehouse = warehouse;
    }

    /** Names of the models that have a row or a folder. */
    public Set<String> names() {
        var names = new TreeSet<>(folders().keySet());
        names.addAll(registered());
        return names;
    }

    private Set<String> registered() {
        var names = new TreeSet<String>();
        warehouse
                .table(UncurlTable.REGISTRY)
                .select("model_id")
                .collectAsList()
                .forEach(row -> names.add(row.getString(0)));
        return names;
    }

    /** Folders by the name of their model; on an object store there may be several. */
    private TreeMap<String, List<Path>> folders() {
        var folders = new TreeMap<String, List<Path>>();
        try {
            for (FileStatus status : warehouse.files().listStatus(warehouse.models())) {
                String name = Unfinished.name(status.getPath().getName());
                folders.computeIfAbsent(name, key -> new ArrayList<>()).add(status.getPath());
            }
        } catch (FileNotFoundException e) {
            return folders; // there has never been a model
        } catch (IOException e) {
            throw new UncheckedIOException("listing " + warehouse.models(), e);
        }
        return folders;
    }

    /** Bytes of the folders of models. */
    public long bytes(Collection<String> models) {
        long bytes = 0;
        TreeMap<String, List<Path>> folders = folders();
        try {
            for (String model : models) {
                for (Path folder : folders.getOrDefault(model, List.of())) {
                    bytes += warehouse.files().getContentSummary(folder).getLength();
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("measuring the folders of models", e);
        }
        return bytes;
    }

    /**
     * Deletes models but those whose lease another run holds.
     *
     * @return the models that were deleted
     */
    public List<String> remove(Collection<String> models) {
        var removed = new ArrayList<String>();
        var names = new ArrayList<>(models);
        for (int from = 0; from < names.size(); from += AT_ONCE) {
            removed.addAll(removeSome(names.subList(from, Math.min(names.size(), from + AT_ONCE))));
        }
        return removed;
    }

    private List<String> removeSome(List<String> models) {
        var leases = new TreeMap<String, OutputLease>();
        try {
            for (String model : models) {
                lease(model, leases);
            }
            if (!leases.isEmpty()) {
                warehouse.requireLeases();
                deleteRows(leases.keySet());
                deleteFolders(leases.keySet());
            }
            return List.copyOf(leases.keySet());
        } finally {
            leases.values().forEach(OutputLease::close);
        }
    }

    private void lease(String model, TreeMap<String, OutputLease> leases) {
        try {
            leases.put(model, warehouse.lockWithoutClock("model", model));
        } catch (UserError e) {
            if (e.kind() != UserError.Kind.CONFLICT) {
                throw e;
            }
        }
    }

    /** In one commit, which needs no Spark job: model_id is the partition. */
    void deleteRows(Set<String> models) {
        Set<String> there = registered();
        there.retainAll(models);
        if (!there.isEmpty()) {
            Table registry = warehouse.iceberg(UncurlTable.REGISTRY);
            registry.refresh();
            registry.newDelete()
                    .deleteFromRowFilter(Expressions.in("model_id", there.toArray()))
                    .commit();
        }
    }

    private void deleteFolders(Set<String> models) {
        TreeMap<String, List<Path>> folders = folders();
        for (String model : models) {
            for (Path folder : folders.getOrDefault(model, List.of())) {
                try {
                    Unfinished.remove(warehouse.files(), folder);
                } catch (IOException e) {
                    throw new UncheckedIOException("deleting " + folder, e);
                }
            }
        }
    }
}
