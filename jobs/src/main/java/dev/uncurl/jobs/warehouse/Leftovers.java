package dev.uncurl.jobs.warehouse;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
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
 * Deletes what killed runs have left. No other class deletes data files of tables.
 *
 * <p>A data file is deleted only if no snapshot of the table has it, however old; its name is that of a file of the output
 * that the caller has locked; it is in a folder of the caller's files; and that folder is in the warehouse whose locks
 * exclude other runs. Everything else is left to Iceberg's procedures expire_snapshots and remove_orphan_files.
 */
public final class Leftovers {
    private final Warehouse warehouse;
    private final Configuration hadoop;

    public Leftovers(Warehouse warehouse) {
        this.warehouse = warehouse;
        this.hadoop = warehouse.spark().sparkContext().hadoopConfiguration();
    }

    /**
     * Removes data files of the locked output that the table does not have.
     *
     * @param committed files of the run, in whose folders leftovers may be
     * @param own whether a file's name is that of the locked output
     */
    public void remove(UncurlTable table, Collection<DataFile> committed, Predicate<String> own) {
        if (!warehouse.canLock()) {
            return; // another run may be about to commit them
        }
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

    /** A hidden name for a folder that is to be removed; what is left of it counts as unfinished. */
    public static Path hidden(Path folder) {
        return new Path(folder.getParent(), "." + folder.getName() + "." + UUID.randomUUID() + ".tmp");
    }

    /**
     * Removes hidden folders that killed runs left: {@code .NAME.UUID.tmp}, the unfinished and the half removed ones. Does
     * nothing where no lock on the name excludes other runs.
     *
     * @param parent of the folders; need not exist
     * @param name pattern of the names of their finished folders
     */
    public void removeHidden(Path parent, Pattern name) throws IOException {
        var hidden = Pattern.compile("\\.(?:" + name.pattern() + ")\\.[0-9a-f-]{36}\\.tmp");
        FileSystem files = parent.getFileSystem(hadoop);
        if (!warehouse.canLock() || !files.exists(parent)) {
            return;
        }
        for (FileStatus status : files.listStatus(parent)) {
            if (hidden.matcher(status.getPath().getName()).matches()) {
                files.delete(status.getPath(), true);
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
