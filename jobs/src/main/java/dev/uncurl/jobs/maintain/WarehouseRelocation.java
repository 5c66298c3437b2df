package dev.uncurl.jobs.maintain;

import static org.apache.spark.sql.functions.col;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.Location;
import dev.uncurl.jobs.warehouse.TablePlaces;
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
 * Makes a warehouse that was copied or moved one of its own: table by table ({@link Relocation}), then the folders of
 * models in models.registry. It can be killed at any moment and run again; until it is done no other command opens the
 * warehouse.
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
     * @return number of tables that were changed; 0 when all lie where they are
     * @throws UserError (usage) when the tables are in a catalog that places them itself, (input) when a file is missing
     */
    static int run(String folder) {
        Warehouse warehouse = Warehouse.at(folder);
        TablePlaces places = warehouse
                .places()
                .orElseThrow(() -> UserError.usage(
                        "The tables of this session are in a catalog that keeps their places itself",
                        "Move them by the means of that catalog; --relocate is for warehouses in a folder."));
        if (!places.exist()) {
            throw UserError.input("There are no tables in " + folder, "Name a warehouse with --warehouse.");
        }
        try (var hold = warehouse.lock("relocation")) {
            return new WarehouseRelocation(warehouse, places).relocate();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
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
            UncurlTable.createAll(warehouse.spark());
            nameFolders();
            files.delete(unfinished, false);
        }
        return changed;
    }

    /** Has models.registry name the folders of this warehouse. */
    private void nameFolders() {
        var rows = new ArrayList<Row>();
        var schema = warehouse.table(UncurlTable.REGISTRY).schema();
        int path = schema.fieldIndex("path");
        for (Row row : warehouse.table(UncurlTable.REGISTRY).collectAsList()) {
            String folder = warehouse.modelFolder(row.getAs("model_id")).toString();
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
