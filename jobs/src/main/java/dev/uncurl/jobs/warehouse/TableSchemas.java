package dev.uncurl.jobs.warehouse;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.NoSuchNamespaceException;
import org.apache.iceberg.exceptions.NoSuchTableException;
import org.apache.iceberg.spark.Spark3Util;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.catalyst.plans.logical.CreateTable;

/** Creates tables from their definitions, the SQL under schemas/. */
public final class TableSchemas {
    private TableSchemas() {}

    /** The statement that creates a table, without the comments of its file. */
    static String definition(UncurlTable table) {
        return text("schemas/" + table.id() + ".sql");
    }

    /**
     * Creates missing tables, and adds columns to tables of earlier releases. The session's current catalog must be Uncurl's.
     *
     * @throws dev.uncurl.error.UserError (input) when a table differs from its definition by more than columns that may be
     *     null
     */
    public static void createAll(SparkSession spark) {
        Catalog catalog = Spark3Util.loadIcebergCatalog(spark, UncurlTable.CATALOG);
        for (UncurlTable table : UncurlTable.values()) {
            find(catalog, table).ifPresentOrElse(found -> upgrade(spark, table, found), () -> create(spark, table));
        }
    }

    /** Asks Iceberg's catalog, which is faster than Spark's SQL. A REST catalog may say that there is no such namespace. */
    private static Optional<Table> find(Catalog catalog, UncurlTable table) {
        try {
            return Optional.of(catalog.loadTable(TableIdentifier.parse(table.id())));
        } catch (NoSuchTableException | NoSuchNamespaceException e) {
            return Optional.empty();
        }
    }

    private static void create(SparkSession spark, UncurlTable table) {
        spark.sql("CREATE NAMESPACE IF NOT EXISTS " + table.namespace());
        spark.sql(definition(table));
    }

    /** Adds to an existing table what its definition has gained. */
    private static void upgrade(SparkSession spark, UncurlTable table, Table iceberg) {
        try {
            var plan = (CreateTable) spark.sessionState().sqlParser().parsePlan(definition(table));
            Map<String, String> properties = scala.collection.JavaConverters.mapAsJavaMap(
                    plan.tableSpec().properties());
            new TableUpgrade(table, plan.tableSchema(), properties).apply(iceberg);
        } catch (ParseException e) {
            throw new IllegalStateException("schemas/" + table.id() + ".sql", e);
        }
    }

    /** A file of schemas/ without its comments. */
    static String text(String resource) {
        try (InputStream in = TableSchemas.class.getClassLoader().getResourceAsStream(resource)) {
            if (in == null) {
                throw new IllegalStateException(resource + " is not in the application jar");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.startsWith("--"))
                    .collect(Collectors.joining("\n"));
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + resource + " of the application jar", e);
        }
    }
}
