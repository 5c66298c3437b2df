package dev.uncurl.jobs.maintain;

import static org.apache.spark.sql.functions.col;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.Location;
import dev.uncurl.jobs.warehouse.TablePlaces;
import dev.uncurl.jobs.warehouse.TableSchemas;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.iceberg.TableMetadata;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;

/**
 * Changes all paths in a warehouse that was copied or moved: those of each table ({@link Relocation}), then those of the
 * model folders in models.registry. Can be killed at any moment and run again; until it is finished no other command opens
 * the warehouse.
 */
final class WarehouseRelocation {
    private final Warehouse warehouse;
    private final TablePlaces places;
    private final Configuration hadoop;

    private WarehouseRelocation(Warehouse warehouse, TablePlaces places) {
        this.warehouse = warehouse;
        this.places = places;
        this.hadoop = warehouse.spark().sparkContext().hadoopConfiguration();
    }

    /**
     * @return number of changed tables; 0 when all paths are already right
     * @throws UserError (usage) when the tables are in a catalog that chooses their places, (input) when a file is missing
     */
    static int run(String folder) {
        Warehouse warehouse = Warehouse.at(folder);
        TablePlaces places = warehouse
                .places()
                .orElseThrow(() -> UserError.usage(
                        "The tables of this session are in a catalog that chooses their places itself",
                        "Move them with the tools of that catalog; --relocate is for tables in a warehouse folder."));
        if (!places.exist()) {
            throw UserError.input("There are no tables in " + folder, "Name a warehouse with --warehouse.");
        }
        try (var lock = warehouse.lockWithoutClock("relocation")) {
            return new WarehouseRelocation(warehouse, places).relocate();
        } catch (IOException e) {
            throw new UncheckedIOException("relocating the tables of " + folder, e);
        }
    }

    private int relocate() throws IOException {
        FileSystem files = warehouse.files();
        Path unfinished = places.unfinished();
        int changed = 0;
        for (UncurlTable table : UncurlTable.values()) {
            TableMetadata metadata = places.metadata(table);
            Path folder = places.folder(table);
            if (metadata != null
                    && !places.elsewhere(metadata, Location.of(folder.toString(), hadoop))
                            .isEmpty()) {
                files.create(unfinished, true).close();
                System.out.println("Table " + table.id() + ": from " + metadata.location() + " to " + folder);
                new Relocation(table, metadata, folder, hadoop).run();
                changed++;
            }
        }
        if (files.exists(unfinished)) {
            TableSchemas.createAll(warehouse.spark());
            nameFolders();
            files.delete(unfinished, false);
        }
        return changed;
    }

    /** Writes the folders of this warehouse into models.registry. */
    private void nameFolders() {
        var rows = new ArrayList<Row>();
        var schema = warehouse.table(UncurlTable.REGISTRY).schema();
        int path = schema.fieldIndex("path");
        for (Row row : warehouse.table(UncurlTable.REGISTRY).collectAsList()) {
            String folder = warehouse
                    .modelFolder(row.getAs("model_id"), row.getString(path))
                    .toString();
            if (!folder.equals(row.getString(path))) {
                Object[] values = new Object[row.length()];
                for (int i = 0; i < values.length; i++) {
                    values[i] = i == path ? folder : row.get(i);
                }
                rows.add(RowFactory.create(values));
            }
        }
        if (!rows.isEmpty()) {
            Object[] models = rows.stream()
                    .map(row -> row.get(schema.fieldIndex("model_id")))
                    .toArray();
            warehouse.replaceWhere(
                    UncurlTable.REGISTRY,
                    warehouse.spark().createDataFrame(List.copyOf(rows), schema),
                    col("model_id").isin(models));
        }
    }
}
