package dev.uncurl.jobs;

import dev.uncurl.error.Refusal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code jobs/submit sql "SELECT model_id, stage, parameters FROM models.registry"}. */
@Command(
        name = "sql",
        description = "Runs SQL over the tables and prints the rows, as a table or as CSV.",
        footer = {
            "",
            "  jobs/submit sql \"SELECT model_id, stage, parameters FROM models.registry\"",
            "  jobs/submit sql --file questions.sql --csv > answers.csv"
        })
final class SqlCommand implements Callable<Integer> {
    private static final int TABLE_ROWS = 100;

    @Mixin
    private WarehouseOptions warehouse;

    @Option(
            names = "--limit",
            paramLabel = "ROWS",
            description = "Rows to print at most (default: " + TABLE_ROWS + " in a table, all in CSV).")
    private Integer limit;

    @Option(names = "--csv", description = "Print CSV with a header line; arrays and maps are JSON.")
    private boolean csv;

    @Option(names = "--file", paramLabel = "FILE", description = "File of statements, each closed by a semicolon.")
    private Path file;

    @Parameters(
            paramLabel = "STATEMENT",
            arity = "0..1",
            description = "Spark SQL; tables are named as in schemas/, whose README has questions to start from.")
    private String statement;

    @Override
    public Integer call() {
        List<String> statements = statements();
        SparkSession spark = warehouse.open().spark();
        spark.sparkContext().setJobDescription("sql");
        for (String one : statements) {
            run(spark, one);
        }
        return 0;
    }

    private List<String> statements() {
        if ((statement == null) == (file == null)) {
            throw Refusal.usage("sql takes one statement or a file of them", "Give \"STATEMENT\" or --file FILE.");
        }
        if (limit != null && limit < 0) {
            throw Refusal.usage("--limit " + limit + " is no number of rows", "Use 0 or more.");
        }
        try {
            List<String> statements = SqlStatements.split(file == null ? statement : Files.readString(file));
            if (statements.isEmpty()) {
                throw Refusal.usage("There is no statement in " + (file == null ? "''" : file), "Write one.");
            }
            return statements;
        } catch (IOException e) {
            throw Refusal.usage("The file " + file + " cannot be read: " + e, "Check --file.");
        }
    }

    private void run(SparkSession spark, String one) {
        try {
            Dataset<Row> rows = spark.sql(one);
            if (rows.columns().length == 0) {
                return;
            }
            if (csv) {
                CsvTable.print(limit == null ? rows : rows.limit(limit), System.out);
            } else {
                System.out.print(TextTable.of(rows, limit == null ? TABLE_ROWS : limit));
            }
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
