package dev.uncurl.jobs;

import dev.uncurl.error.Refusal;
import java.util.concurrent.Callable;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code jobs/submit sql "SELECT model_id, stage, parameters FROM models.registry"}. */
@Command(
        name = "sql",
        description = "Runs one SQL statement over the tables and prints its rows.",
        footer = {"", "  jobs/submit sql \"SELECT model_id, stage, parameters FROM models.registry\""})
final class SqlCommand implements Callable<Integer> {
    @Mixin
    private WarehouseOptions warehouse;

    @Option(names = "--limit", defaultValue = "100", description = "Rows to print at most (default: ${DEFAULT-VALUE}).")
    private int limit;

    @Parameters(paramLabel = "STATEMENT", description = "Spark SQL; tables are named as in schemas/.")
    private String statement;

    @Override
    public Integer call() {
        var spark = warehouse.open().spark();
        spark.sparkContext().setJobDescription("sql");
        try {
            Dataset<Row> rows = spark.sql(statement);
            if (rows.columns().length > 0) {
                System.out.print(TextTable.of(rows, limit));
            }
            return 0;
        } catch (Exception e) { // Scala throws it without declaring it
            if (e instanceof AnalysisException) {
                throw Refusal.usage(
                        "The statement does not fit the tables: "
                                + e.getMessage().strip(),
                        "SHOW TABLES IN routing lists tables, DESCRIBE routing.logits their columns; so do the files in"
                                + " schemas/.");
            }
            throw e;
        }
    }
}
