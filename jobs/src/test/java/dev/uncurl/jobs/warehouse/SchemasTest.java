package dev.uncurl.jobs.warehouse;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.jobs.Cli;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.StructField;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("slow")
public class SchemasTest {
    private static final Path SCHEMAS = Path.of("../schemas");

    /** A column of a CREATE TABLE statement stands alone on its line: name, type, comment. */
    private static final Pattern COLUMN = Pattern.compile("(?m)^  (\\w+) .*$");

    public static List<String> columns(UncurlTable table) {
        var columns = new ArrayList<String>();
        Matcher matcher = COLUMN.matcher(TableSchemas.definition(table));
        while (matcher.find()) {
            columns.add(matcher.group(1));
        }
        return columns;
    }

    @Test
    void everyFileOfSchemasIsATableAndEveryTableHasItsFile() throws IOException {
        try (var files = Files.list(SCHEMAS)) {
            List<String> tables = files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".sql"))
                    .map(name -> name.substring(0, name.length() - ".sql".length()))
                    .toList();
            assertThat(tables)
                    .containsExactlyInAnyOrderElementsOf(Arrays.stream(UncurlTable.values())
                            .map(UncurlTable::id)
                            .toList());
        }
    }

    @Test
    void aWarehouseOfAnotherVersionIsRefusedWithTheColumns(@TempDir Path folder) {
        var cli = new Cli(folder);
        cli.succeed("sql", "ALTER TABLE routing.gram DROP COLUMN sample");
        Cli.Outcome outcome = cli.run("sql", "SELECT 1");
        assertThat(outcome.code()).isEqualTo(3);
        assertThat(outcome.err()).contains("routing.gram").contains("column sample is missing");
    }

    @Test
    void everyTableHasTheColumnsOfItsDefinitionEachWithAComment(@TempDir Path folder) {
        Warehouse warehouse = new Cli(folder).open();
        for (UncurlTable table : UncurlTable.values()) {
            StructField[] fields = warehouse.table(table).schema().fields();
            assertThat(Arrays.stream(fields).map(StructField::name))
                    .as(table.id())
                    .containsExactlyElementsOf(columns(table));
            for (StructField field : fields) {
                assertThat(field.getComment().isDefined())
                        .as(table.id() + "." + field.name())
                        .isTrue();
                assertThat(field.getComment().get()).isNotBlank();
            }
        }
    }

    @Test
    void everyViewCanBeQueriedWhenTheTablesAreEmptyAndThoseOfRoutingHaveComments(@TempDir Path folder)
            throws IOException {
        Warehouse warehouse = new Cli(folder).open();
        try (var files = Files.list(SCHEMAS.resolve("views"))) {
            for (Path file : files.toList()) {
                String view = file.getFileName().toString().replace(".sql", "");
                Dataset<Row> rows = warehouse.sql("SELECT * FROM " + view);
                assertThat(rows.collectAsList()).as(view).isEmpty();
                if (view.startsWith("expert") || view.startsWith("task") || view.startsWith("load")) {
                    assertThat(rows.schema().fields()).as(view).allMatch(field -> field.getComment()
                            .isDefined());
                }
            }
        }
    }
}
