package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.jobs.output.StandardOutput;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("slow")
class SqlTest {
    @TempDir
    private static Path folder;

    private static Cli cli;

    @BeforeAll
    static void open() {
        cli = new Cli(folder.resolve("warehouse"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT element_at(array(1), 0)",
                "SELECT raise_error('no such thing')",
                "SELECT 'a' RLIKE id FROM (SELECT '[' AS id)",
                "SELECT assert_true(id < 5) FROM range(10)",
                "SELECT to_date('x', 'cccccc')",
                "SELECT make_date(2020, id, 1) + x FROM range(3)",
                "SELECT 1 +",
                "SELECT 1; SELEKT 2",
                "SELECT * FROM nowhere.at_all",
                "SELECT 'open",
                "INSERT INTO models.registry VALUES (1)"
            })
    void aStatementThatFailsIsRefusedInTwoLines(String statement) {
        for (String form : new String[] {"--csv", "--limit=5"}) {
            Cli.Outcome outcome = cli.run("sql", form, statement);
            assertThat(outcome.code()).as(statement + outcome.err()).isEqualTo(2);
            assertThat(outcome.err().lines().filter(line -> !line.contains(" WARN ")))
                    .as(statement)
                    .hasSize(2)
                    .first()
                    .asString()
                    .startsWith("uncurl sql: The statement");
        }
    }

    @Test
    void theTraceIsShownOnRequest() {
        assertThat(cli.run("--debug", "sql", "SELECT element_at(array(1), 0)").err())
                .contains("\tat ")
                .contains("INVALID_INDEX_OF_ZERO");
    }

    @Test
    void aStatementMayBeginWithACommentAndAFileWithAByteOrderMark() throws IOException {
        assertThat(cli.succeed("sql", "-- the answer\nSELECT 6 * 7 AS answer")).contains("42");
        assertThat(cli.succeed("sql", "/* a /* nested */ one */ SELECT r'\\' AS raw, ';' AS semicolon"))
                .contains("\\");
        Path file = Files.writeString(
                folder.resolve("questions.sql"), "\uFEFF-- one; two\nSELECT 'Å' AS a; /* ; */ SELECT 2 AS b;");
        assertThat(cli.succeed("sql", "--csv", "--file", file.toString())).isEqualTo("a\nÅ\nb\n2\n");
        Files.write(file, new byte[] {'S', (byte) 0xff});
        assertThat(cli.run("sql", "--file", file.toString()).err()).contains("UTF-8");
    }

    @Test
    void csvKeepsNullsBytesAndTimes() {
        assertThat(cli.succeed(
                        "sql",
                        "--csv",
                        "SELECT named_struct('a', 1, 'b', CAST(NULL AS INT)) AS s, X'CAFE' AS bytes,"
                                + " named_struct('x', X'CAFE') AS inner, map('k', CAST(NULL AS INT)) AS m,"
                                + " array(1, NULL) AS l, NULL AS nothing, '' AS empty, 0.00001D AS lr,"
                                + " TIMESTAMP '2020-01-02 03:04:05.5' AS t, DATE '2020-01-02' AS `a \"day\"`"))
                .isEqualTo(
                        """
                        s,bytes,inner,m,l,nothing,empty,lr,t,"a ""day""\"
                        "{""a"":1,""b"":null}",yv4=,"{""x"":""yv4=""}","{""k"":null}","[1,null]",,"",1.0E-5,\
                        2020-01-02 03:04:05.5,2020-01-02
                        """);
    }

    @Test
    void aTableShowsSmallNumbersBytesMapsAndTimes() {
        assertThat(cli.succeed(
                        "sql",
                        "SELECT 0.00001D AS lr, X'CAFE' AS bytes, map('k', 0.5D) AS m, array(0.000001D) AS l,"
                                + " TIMESTAMP '2020-01-02 03:04:05.5' AS t"))
                .contains("1.0000e-05", "cafe", "{k: 0.5000}", "[1.0000e-06]", "2020-01-02 03:04:05.5");
    }

    /** As {@code | head} does: the reader goes away while most of the rows are still to come. */
    @Test
    void aQueryEndsWithItsReader() {
        PrintStream out = System.out;
        var written = new AtomicLong();
        var closing = new java.io.OutputStream() {
            @Override
            public void write(int value) throws IOException {
                throw new IOException("Broken pipe");
            }

            @Override
            public void write(byte[] bytes, int offset, int length) throws IOException {
                if (written.addAndGet(length) > 1 << 16) {
                    throw new IOException("Broken pipe");
                }
            }
        };
        var err = new java.io.ByteArrayOutputStream();
        PrintStream previous = System.err;
        try {
            System.setOut(StandardOutput.to(closing));
            System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
            int code = Uncurl.commandLine()
                    .execute(
                            "sql",
                            "--csv",
                            "SELECT id FROM range(0, 10000000000, 1, 10000)",
                            "--warehouse",
                            cli.folder().toString());
            assertThat(code).isEqualTo(StandardOutput.READER_GONE);
        } finally {
            System.setOut(out);
            System.setErr(previous);
        }
        assertThat(err.toString(StandardCharsets.UTF_8)).isEmpty();
    }
}
