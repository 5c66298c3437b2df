package dev.uncurl.jobs.warehouse;

import dev.uncurl.error.UserError;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.iceberg.HasTableOperations;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.exceptions.NoSuchTableException;
import org.apache.iceberg.hadoop.HadoopTables;

/**
 * The places of the tables of a warehouse according to their metadata. Iceberg's metadata has absolute paths: a copy of a
 * warehouse would read and write the files of the original, and a warehouse that was moved does not find its own. Only for
 * Iceberg's Hadoop catalog; other catalogs choose the places themselves.
 */
public final class TablePlaces {
    private static final String UNFINISHED = "relocation-unfinished";

    private final Path root;
    private final Path tables;
    private final Configuration hadoop;

    /**
     * @param root folder of the warehouse
     * @param tables folder of the catalog
     */
    TablePlaces(Path root, Path tables, Configuration hadoop) {
        this.root = root;
        this.tables = tables;
        this.hadoop = hadoop;
    }

    /** Folder of a table, whether it exists or not. */
    public Path folder(UncurlTable table) {
        return new Path(tables, table.id().replace('.', '/'));
    }

    /**
     * Reads the metadata of a table from its folder.
     *
     * @return null when there is no such table
     * @throws UserError (input) when the metadata is damaged or lost
     */
    public TableMetadata metadata(UncurlTable table) {
        Path folder = folder(table);
        try {
            var loaded = (HasTableOperations) new HadoopTables(hadoop).load(folder.toString());
            return loaded.operations().current();
        } catch (NoSuchTableException e) {
            requireNothingLost(table, folder);
            return null;
        } catch (RuntimeException e) {
            throw TableDamage.metadata(table, new Path(folder, "metadata"), e, hadoop);
        }
    }

    /** A table without metadata would be created again, and its rows would be lost silently. */
    private void requireNothingLost(UncurlTable table, Path folder) {
        Path data = new Path(folder, "data");
        Path metadata = new Path(folder, "metadata");
        Path hint = new Path(metadata, "version-hint.text");
        if (TableDamage.newest(metadata, hadoop).isPresent()) {
            throw UserError.input(
                    "Table " + table.id() + ": " + hint + " is damaged: it names no existing version of the metadata",
                    "Delete that file: the newest existing version is used then.");
        }
        if (isThere(data)) {
            throw UserError.input(
                    "Table " + table.id() + " has data files in " + data + " but no metadata in " + metadata,
                    "Restore " + metadata + " from a copy of the warehouse. To create the table again, empty, move "
                            + folder + " away first.");
        }
    }

    /**
     * Requires that the tables are in this warehouse.
     *
     * @throws UserError (input) when the warehouse was copied or moved, or a relocation was interrupted
     */
    void require() {
        for (UncurlTable table : UncurlTable.values()) {
            TableMetadata metadata = metadata(table);
            if (metadata != null) {
                List<String> elsewhere =
                        elsewhere(metadata, Location.of(folder(table).toString(), hadoop));
                if (!elsewhere.isEmpty()) {
                    throw UserError.input(
                            "The warehouse " + root + " was copied or moved: its table " + table.id()
                                    + " has its files in " + elsewhere.get(0),
                            "Run  " + command() + "  to make the tables those of this folder (it changes nothing"
                                    + " elsewhere), or name the warehouse that was meant with --warehouse.");
                }
            }
        }
        if (isThere(unfinished())) {
            throw UserError.input(
                    "The relocation of the warehouse " + root + " was not finished", "Run  " + command() + "  again.");
        }
    }

    /** A file that exists during a relocation, and after one that was killed. */
    public Path unfinished() {
        return new Path(root, UNFINISHED);
    }

    private boolean isThere(Path path) {
        try {
            return path.getFileSystem(hadoop).exists(path);
        } catch (IOException e) {
            throw new UncheckedIOException("looking for " + path, e);
        }
    }

    /** The command to relocate, quoted for a shell. */
    private String command() {
        String folder = Location.isLocal(root) ? root.toUri().getPath() : root.toString();
        String quoted = folder.matches("[\\w./:@%+-]+") ? folder : "'" + folder.replace("'", "'\\''") + "'";
        return "jobs/submit maintain --relocate --warehouse " + quoted;
    }

    /** Places of files in the metadata that are outside the table's folder. */
    public List<String> elsewhere(TableMetadata metadata, String folder) {
        var places = new ArrayList<String>();
        places.add(metadata.location());
        for (Snapshot snapshot : metadata.snapshots()) {
            if (snapshot.manifestListLocation() != null) {
                places.add(snapshot.manifestListLocation());
            }
        }
        places.removeIf(place -> Location.isWithin(folder, Location.of(place, hadoop)));
        return places;
    }

    /** Whether there are any tables. */
    public boolean exist() {
        try {
            FileSystem files = tables.getFileSystem(hadoop);
            for (FileStatus status : files.exists(tables) ? files.listStatus(tables) : new FileStatus[0]) {
                if (status.isDirectory()) {
                    return true;
                }
            }
            return false;
        } catch (IOException e) {
            throw new UncheckedIOException("listing " + tables, e);
        }
    }
}
