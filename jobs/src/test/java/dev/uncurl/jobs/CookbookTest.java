package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.jobs.evaluate.ComparedModels;
import dev.uncurl.jobs.routing.RoutingFixture;
import dev.uncurl.jobs.tokenize.TokenizeFixture;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every question in the README of schemas/, against {@link CookbookAnswers}: plain loops over the rows of routing.logits and
 * evaluation.examples.
 */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CookbookTest {
    private static final Pattern QUESTION =
            Pattern.compile("(?m)^### (\\d+)\\. (.*)\\R```sql\\R((?:(?!```).*\\R)*)```");

    private Path folder;
    private Warehouse warehouse;
    private CookbookAnswers answers;

    @BeforeAll
    void dumpTwoTasks(@TempDir Path folder) {
        this.folder = folder;
        warehouse = TokenizeFixture.warehouse(folder.resolve("warehouse"));
        RoutingFixture.model(warehouse, "demo-base", RoutingFixture.config(12, 2), 5);
        RoutingFixture.task(warehouse, "superglue/boolq", 60, 22);
        RoutingFixture.task(warehouse, "superglue/copa", 40, 23);
        RoutingFixture.dump(warehouse, "demo-base", "superglue/boolq", 0);
        RoutingFixture.dump(warehouse, "demo-base", "superglue/copa", 0);
        var scored = new ComparedModels(warehouse, "train", 60);
        scored.scored("demo-base", 0.8, 2.0, 1);
        for (int seed = 1; seed <= 2; seed++) {
            scored.random("demo-random-" + seed, "demo-base", seed, "mask");
            scored.scored("demo-random-" + seed, 0.6, 2.2, 1 + seed);
        }
        scored.write();
        answers = new CookbookAnswers(
                warehouse.table(UncurlTable.LOGITS).collectAsList(),
                warehouse.table(UncurlTable.SCORED).collectAsList());
    }

    @TestFactory
    List<DynamicTest> theAnswerIsThatOfAPlainLoop() throws IOException {
        var tests = new ArrayList<DynamicTest>();
        Matcher matcher = QUESTION.matcher(Files.readString(Path.of("../schemas/README.md")));
        while (matcher.find()) {
            int number = Integer.parseInt(matcher.group(1));
            String sql = matcher.group(3);
            tests.add(DynamicTest.dynamicTest(number + ". " + matcher.group(2), () -> check(number, sql)));
        }
        assertThat(tests).hasSize(23);
        return tests;
    }

    private void check(int number, String sql) {
        List<Row> rows = warehouse.sql(sql).collectAsList();
        List<List<Object>> expected = answers.of(number);
        assertThat(expected).isNotEmpty();
        assertThat(rows).hasSameSizeAs(expected);
        for (int r = 0; r < rows.size(); r++) {
            for (int c = 0; c < rows.get(r).size(); c++) {
                Object should = expected.get(r).get(c);
                Object is = rows.get(r).get(c);
                String place = "row " + r + ", column " + c + " of " + rows + " beside " + expected;
                if (should instanceof Double number2) {
                    double tolerance = 1e-6 * (1 + Math.abs(number2));
                    assertThat(((Number) is).doubleValue()).as(place).isCloseTo(number2, within(tolerance));
                } else if (should instanceof Number count) {
                    assertThat(((Number) is).longValue()).as(place).isEqualTo(count.longValue());
                } else {
                    assertThat(is).as(place).isEqualTo(should);
                }
            }
            assertThat(expected.get(r)).hasSize(rows.get(r).size());
        }
    }

    @Test
    void sqlRunsAFileOfStatementsAndPrintsCsv() throws IOException {
        Path file = Files.writeString(
                folder.resolve("questions.sql"),
                """
                -- two answers; and a semicolon that ends nothing
                SELECT task, tokens, CAST(NULL AS STRING) AS nothing, 'a "b", c;' AS text, array(1, 2) AS list
                FROM routing.gram WHERE layer = 1 ORDER BY task;
                /* ; */ SELECT count(*) AS `experts;` FROM routing.expert_statistics;
                """);
        var cli = new Cli(folder.resolve("warehouse"));
        List<Row> tokens = warehouse
                .table(UncurlTable.GRAM)
                .where("layer = 1")
                .orderBy("task")
                .collectAsList();
        String quoted = ",,\"a \"\"b\"\", c;\",\"[1,2]\"\n";
        assertThat(cli.succeed("sql --csv --file " + file))
                .isEqualTo("task,tokens,nothing,text,list\n"
                        + "superglue/boolq," + tokens.get(0).getAs("tokens") + quoted
                        + "superglue/copa," + tokens.get(1).getAs("tokens") + quoted
                        + "experts;\n48\n");
        assertThat(cli.succeed("sql", "SELECT layer FROM routing.gram ORDER BY layer", "--csv", "--limit", "1"))
                .isEqualTo("layer\n1\n");
        assertThat(cli.succeed("sql --file " + file)).contains("a \"b\", c;").contains("48");
        assertThat(cli.run("sql").code()).isEqualTo(2);
        assertThat(cli.run("sql", "--file", "no-such-file.sql").code()).isEqualTo(2);
        assertThat(cli.run("sql", " -- nothing\n;").code()).isEqualTo(2);
    }
}
