package dev.uncurl.jobs.sql;

import dev.uncurl.config.Range;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cli.Failures;
import dev.uncurl.jobs.cli.WarehouseOptions;
import dev.uncurl.jobs.output.CsvTable;
import dev.uncurl.jobs.output.TextTable;
import dev.uncurl.jobs.warehouse.SqlStatements;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code jobs/submit sql "SELECT model_id, stage, parameters FROM models.registry"}. */
@Command(
        name = "sql",
        description = "Runs SQL over the tables and prints the rows, as a table or as CSV.",
        footer = {
            "",
            "  jobs/submit sql \"SELECT model_id, stage, parameters FROM models.registry\"",
            "  jobs/submit sql --file questions.sql --csv > answers.csv"
        })
public final class SqlCommand implements Callable<Integer> {
    private static final int TABLE_ROWS = 100;

    @Mixin
    private WarehouseOptions warehouse;

    @Option(
            names = "--limit",
            paramLabel = "ROWS",
            description = "Rows to print at most (default: " + TABLE_ROWS + " in a table, all in CSV).")
    private Integer limit;

    @Option(names = "--csv", description = "Print CSV with a header line; arrays, maps and structs are JSON.")
    private boolean csv;

    @Option(names = "--file", paramLabel = "FILE", description = "File of statements, each ended by a semicolon.")
    private Path file;

    @Parameters(
            paramLabel = "STATEMENT",
            arity = "0..*",
            description = "Spark SQL, in quotes; tables are named as in schemas/, whose README has example queries.")
    private List<String> words = List.of();

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        List<String> statements = statements();
        Warehouse opened = warehouse.open();
        opened.spark().sparkContext().setJobDescription("sql");
        for (String one : statements) {
            try {
                run(opened, one);
            } catch (Exception e) { // Scala code throws checked exceptions without declaring them
                UserError known = Failures.userError(e); // not the fault of the statement
                UserError userError = known == null ? SqlFailure.userError(e) : known;
                if (userError != null) {
                    throw userError;
                }
                throw e;
            }
        }
        return 0;
    }

    private List<String> statements() {
        for (String word : words) {
            if (word.startsWith("-") && !word.contains("\n")) {
                // an unknown option; a statement may begin with a comment, but has further lines
                throw new CommandLine.UnmatchedArgumentException(spec.commandLine(), List.of(word));
            }
        }
        if (words.size() + (file == null ? 0 : 1) != 1) {
            throw UserError.usage(
                    "sql takes either one statement or a file of statements, but was given "
                            + (file == null ? "" : "a file and ") + words.size() + " arguments",
                    "Put the statement in quotes, or give --file FILE.");
        }
        if (limit != null) {
            Range.SQL_LIMIT.check(limit);
        }
        List<String> statements = SqlStatements.split(file == null ? words.get(0) : read(file));
        if (statements.isEmpty()) {
            throw UserError.usage(
                    "There is no statement in " + (file == null ? "''" : file),
                    "Give a statement such as SHOW TABLES IN models.");
        }
        return statements;
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (CharacterCodingException e) {
            throw UserError.usage("The file " + file + " is not text in UTF-8", "Save it as UTF-8.", e);
        } catch (IOException e) {
            throw UserError.usage("The file " + file + " cannot be read: " + e, "Check --file.", e);
        }
    }

    private void run(Warehouse warehouse, String one) {
        Dataset<Row> rows = warehouse.sql(one);
        if (rows.columns().length == 0) {
            return;
        }
        if (csv) {
            CsvTable.print(limit == null ? rows : rows.limit(limit), System.out);
        } else {
            System.out.print(TextTable.of(rows, limit == null ? TABLE_ROWS : limit));
        }
    }
}
