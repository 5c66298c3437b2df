package dev.uncurl.jobs.maintain;

import dev.uncurl.checkpoint.ObjectStore;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.iceberg.ManifestFile;
import org.apache.iceberg.ManifestFiles;
import org.apache.iceberg.ReachableFileUtil;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.hadoop.HadoopFileIO;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.io.FileInfo;
import org.apache.iceberg.io.SupportsPrefixOperations;

/** The files in the folder of a table, whether a snapshot has them or not, by name: names are unique, each has a random part. */
final class TableFiles {
    private final Map<String, FileInfo> files = new HashMap<>();
    private final long bytes;

    private TableFiles(Iterable<FileInfo> listed) {
        listed.forEach(file -> files.put(name(file.location()), file));
        bytes = files.values().stream().mapToLong(FileInfo::size).sum();
    }

    static TableFiles list(Table table, Configuration hadoop) {
        var folder = new Path(table.location());
        try {
            FileSystem files = folder.getFileSystem(hadoop);
            if (table.io() instanceof HadoopFileIO && !ObjectStore.is(files)) {
                var listed = new ArrayList<FileInfo>();
                walk(files, folder, listed);
                return new TableFiles(listed);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("listing " + folder, e);
        }
        var io = (SupportsPrefixOperations) table.io(); // as all of Iceberg's are
        return new TableFiles(io.listPrefix(table.location() + "/"));
    }

    /** Iceberg's listing asks for the permissions of each file, for which Hadoop starts a process on local disks. */
    private static void walk(FileSystem files, Path folder, List<FileInfo> into) throws IOException {
        FileStatus[] all;
        try {
            all = files.listStatus(folder);
        } catch (FileNotFoundException e) {
            return; // removed since its parent was listed
        }
        for (FileStatus status : all) {
            if (status.isDirectory()) {
                walk(files, status.getPath(), into);
            } else {
                into.add(new FileInfo(status.getPath().toString(), status.getLen(), status.getModificationTime()));
            }
        }
    }

    int count() {
        return files.size();
    }

    long bytes() {
        return bytes;
    }

    /** Bytes of those of the files that are here. */
    long bytes(Collection<String> locations) {
        return locations.stream()
                .map(location -> files.get(name(location)))
                .mapToLong(file -> file == null ? 0 : file.size())
                .sum();
    }

    /** Whether a file that was written before an instant seems to belong to no snapshot. */
    boolean haveOrphans(Table table, Instant before) {
        var old = new HashSet<String>();
        files.forEach((name, file) -> {
            if (file.createdAtMillis() < before.toEpochMilli()) {
                old.add(name);
            }
        });
        if (!old.isEmpty()) {
            old.removeAll(names(ReachableFileUtil.metadataFileLocations(table, false)));
            old.removeAll(names(ReachableFileUtil.statisticsFilesLocations(table)));
            old.remove(name(ReachableFileUtil.versionHintLocation(table)));
            old.removeAll(ofSnapshots(table, table.snapshots()));
        }
        return !old.isEmpty();
    }

    /** Names of the manifest lists, manifests and data files of snapshots. */
    static Set<String> ofSnapshots(Table table, Iterable<Snapshot> snapshots) {
        var names = new HashSet<String>();
        for (Snapshot snapshot : snapshots) {
            names.add(name(snapshot.manifestListLocation()));
            for (ManifestFile manifest : snapshot.dataManifests(table.io())) {
                if (names.add(name(manifest.path()))) {
                    try (CloseableIterable<String> paths =
                            ManifestFiles.readPaths(manifest, table.io(), table.specs())) {
                        paths.forEach(path -> names.add(name(path)));
                    } catch (IOException e) {
                        throw new UncheckedIOException("reading " + manifest.path(), e);
                    }
                }
            }
        }
        return names;
    }

    private static List<String> names(Collection<String> locations) {
        return locations.stream().map(TableFiles::name).toList();
    }

    static String name(String location) {
        return new Path(location).getName();
    }
}
