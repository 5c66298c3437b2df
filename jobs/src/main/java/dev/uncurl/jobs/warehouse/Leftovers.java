package dev.uncurl.jobs.warehouse;

import dev.uncurl.checkpoint.Unfinished;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.ManifestFile;
import org.apache.iceberg.ManifestFiles;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.exceptions.NotFoundException;
import org.apache.iceberg.io.CloseableIterable;

/**
 * Deletes what killed runs have left; the caller has the lease of their output ({@link OutputLease}). No other class deletes
 * data files of tables.
 *
 * <p>A data file is deleted only if no snapshot of the table has it, however old; its name is that of a file of the caller's
 * output; it is in a folder of the caller's files; and that folder is in the warehouse whose leases exclude other runs. A run
 * that lost its lease and would still commit such a file is refused by Iceberg, since the caller has committed. Everything
 * else is left to Iceberg's procedures expire_snapshots and remove_orphan_files.
 */
public final class Leftovers {
    private final Warehouse warehouse;
    private final Configuration hadoop;

    public Leftovers(Warehouse warehouse) {
        this.warehouse = warehouse;
        this.hadoop = warehouse.spark().sparkContext().hadoopConfiguration();
    }

    /**
     * Removes data files of the caller's output that the table does not have. Call it after the caller's commit.
     *
     * @param committed files of the run, in whose folders leftovers may be
     * @param own whether a file's name is that of the output
     */
    public void remove(UncurlTable table, Collection<DataFile> committed, Predicate<String> own) {
        var folders = new HashSet<Path>();
        var known = new HashSet<String>();
        for (DataFile file : committed) {
            Path path = new Path(file.location());
            folders.add(path.getParent());
            known.add(path.getName());
        }
        try {
            List<Path> candidates = candidates(folders, known, own);
            if (candidates.isEmpty()) {
                return;
            }
            Set<String> referenced = referenced(warehouse.iceberg(table));
            for (Path path : candidates) {
                if (!referenced.contains(path.getName())) {
                    path.getFileSystem(hadoop).delete(path, false);
                }
            }
        } catch (NotFoundException e) {
            // part of the history is lost, so that it is not known which files may be deleted: all stay
        } catch (IOException e) {
            throw new UncheckedIOException("removing unfinished data files of table " + table.id(), e);
        }
    }

    /**
     * Removes unfinished folders of models or checkpoints: hidden ones, {@code .NAME.UUID.tmp}, and those that {@link Unfinished}
     * knows.
     *
     * @param parent of the folders; need not exist
     * @param name pattern of the names of their finished folders
     */
    public void removeUnfinished(Path parent, Pattern name) throws IOException {
        FileSystem files = parent.getFileSystem(hadoop);
        if (!files.exists(parent)) {
            return;
        }
        FileStatus[] all = files.listStatus(parent);
        var hidden = Pattern.compile("\\.(?:" + name.pattern() + ")\\.[0-9a-f-]{36}\\.tmp");
        for (FileStatus status : all) { // first: a run that lost its lease can then move no file out of it
            if (hidden.matcher(status.getPath().getName()).matches()) {
                files.delete(status.getPath(), true);
            }
        }
        for (FileStatus status : all) {
            Path folder = status.getPath();
            if (name.matcher(Unfinished.name(folder.getName())).matches() && Unfinished.is(files, folder)) {
                files.delete(folder, true);
            }
        }
    }

    private List<Path> candidates(Set<Path> folders, Set<String> known, Predicate<String> own) throws IOException {
        var candidates = new ArrayList<Path>();
        for (Path folder : folders) {
            if (!warehouse.contains(folder)) {
                continue;
            }
            FileSystem files = folder.getFileSystem(hadoop);
            for (FileStatus status : files.listStatus(folder)) {
                String name = status.getPath().getName();
                if (status.isFile() && own.test(name) && !known.contains(name)) {
                    candidates.add(status.getPath());
                }
            }
        }
        return candidates;
    }

    /** Names of the data files of all snapshots; names are unique, since each has a random part. */
    private static Set<String> referenced(Table table) throws IOException {
        table.refresh();
        var names = new HashSet<String>();
        var seen = new HashSet<String>();
        for (Snapshot snapshot : table.snapshots()) {
            for (ManifestFile manifest : snapshot.dataManifests(table.io())) {
                if (seen.add(manifest.path())) {
                    try (CloseableIterable<String> paths =
                            ManifestFiles.readPaths(manifest, table.io(), table.specs())) {
                        paths.forEach(path -> names.add(new Path(path).getName()));
                    }
                }
            }
        }
        return names;
    }
}
