package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.NoSuchNamespaceException;
import org.apache.iceberg.inmemory.InMemoryCatalog;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A catalog that answers as a REST catalog may. */
@Tag("slow")
class RestCatalogTest {
    /** Says that the namespace is missing, not the table. Iceberg's REST client does so if the server names that error. */
    public static final class NamespacesFirst extends InMemoryCatalog {
        @Override
        public Table loadTable(TableIdentifier table) {
            if (!namespaceExists(table.namespace())) {
                throw new NoSuchNamespaceException("Namespace does not exist: %s", table.namespace());
            }
            return super.loadTable(table);
        }
    }

    @Test
    void namespacesAreCreatedBeforeTheirTables(@TempDir Path folder) {
        SparkSession local = new Cli(folder.resolve("local")).session();
        try {
            SparkProperties.session(
                    local,
                    Map.of(
                            "spark.sql.catalog.uncurl",
                            "org.apache.iceberg.spark.SparkCatalog",
                            "spark.sql.catalog.uncurl.catalog-impl",
                            NamespacesFirst.class.getName()));
            var cli = new Cli(folder.resolve("warehouse"));
            for (int opened = 0; opened < 2; opened++) {
                assertThat(cli.succeed("sql", "--csv", "SELECT count(*) AS models FROM models.registry")
                                .lines())
                        .containsExactly("models", "0");
            }
        } finally {
            SparkProperties.use(local); // for other tests of this process
        }
    }
}
