package dev.uncurl.jobs.warehouse;

import dev.uncurl.error.UserError;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.ManifestFile;
import org.apache.iceberg.ManifestFiles;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.data.parquet.GenericParquetReaders;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.parquet.Parquet;
import org.apache.iceberg.spark.Spark3Util;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.analysis.NoSuchTableException;
import org.apache.spark.sql.catalyst.parser.ParseException;

/**
 * Looks for the damaged file after a command has failed in reading tables: first what costs little (manifests, files
 * that are gone or have another size), then every row of the newest snapshots.
 */
final class TableSearch {
    private final Map<UncurlTable, Table> tables = new TreeMap<>();
    private final Map<DataFile, UncurlTable> data = new java.util.LinkedHashMap<>();
    private final Configuration hadoop;

    private TableSearch(SparkSession spark) {
        this.hadoop = spark.sparkContext().hadoopConfiguration();
        for (UncurlTable table : UncurlTable.values()) {
            try {
                tables.put(table, Spark3Util.loadIcebergTable(spark, table.fullName()));
            } catch (NoSuchTableException | ParseException e) {
                continue; // not created yet
            }
        }
    }

    /**
     * The first damage that is found, if any.
     *
     * @param content whether to read all rows, too
     */
    static Optional<UserError> damaged(SparkSession spark, boolean content) {
        if (!spark.conf().contains("spark.sql.catalog." + UncurlTable.CATALOG)) {
            return Optional.empty();
        }
        System.err.println("A table could not be read: looking for the damaged file ...");
        try {
            var search = new TableSearch(spark);
            search.manifests();
            search.sizes();
            if (content) {
                search.contents();
            }
            return Optional.empty();
        } catch (UserError found) {
            return Optional.of(found);
        } catch (IOException | RuntimeException e) {
            return Optional.empty(); // the original failure is reported instead
        }
    }

    private void manifests() {
        tables.forEach((id, table) -> {
            Snapshot snapshot = table.currentSnapshot();
            if (snapshot == null) {
                return;
            }
            Iterable<ManifestFile> manifests;
            try {
                manifests = snapshot.dataManifests(table.io());
            } catch (RuntimeException e) {
                throw damage(new Path(snapshot.manifestListLocation()), e);
            }
            for (ManifestFile manifest : manifests) {
                try (var files = ManifestFiles.read(manifest, table.io(), table.specs())) {
                    files.forEach(file -> data.put(file.copy(), id));
                } catch (RuntimeException | IOException e) {
                    throw damage(new Path(manifest.path()), e);
                }
            }
        });
    }

    private UserError damage(Path file, Exception e) {
        return TableDamage.file(file, e);
    }

    private void sizes() throws IOException {
        for (var entry : data.entrySet()) {
            Path path = new Path(entry.getKey().location());
            FileSystem files = path.getFileSystem(hadoop);
            if (!files.exists(path)) {
                throw TableDamage.missing(entry.getValue(), path, "is gone");
            }
            long bytes = files.getFileStatus(path).getLen();
            if (bytes != entry.getKey().fileSizeInBytes()) {
                throw TableDamage.missing(
                        entry.getValue(),
                        path,
                        "has " + bytes + " bytes, by the table "
                                + entry.getKey().fileSizeInBytes());
            }
        }
    }

    private void contents() {
        for (var entry : data.entrySet()) {
            Table table = tables.get(entry.getValue());
            Path path = new Path(entry.getKey().location());
            try (CloseableIterable<Object> rows = Parquet.read(
                            table.io().newInputFile(entry.getKey().location()))
                    .project(table.schema())
                    .createReaderFunc(file -> GenericParquetReaders.buildReader(table.schema(), file))
                    .build()) {
                long count = 0;
                for (Object row : rows) {
                    count++;
                }
                if (count != entry.getKey().recordCount()) {
                    throw TableDamage.missing(
                            entry.getValue(),
                            path,
                            "has " + count + " rows, by the table "
                                    + entry.getKey().recordCount());
                }
            } catch (UserError e) {
                throw e;
            } catch (RuntimeException | IOException e) {
                throw damage(path, e);
            }
        }
    }
}
