package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Slips on the command line that are seen before Spark starts. */
class CommandOptionsTest {
    private String refused(String line) {
        PrintStream err = System.err;
        var seen = new ByteArrayOutputStream();
        try {
            System.setErr(new PrintStream(seen, true, StandardCharsets.UTF_8));
            assertThat(Uncurl.commandLine().execute(line.split(" "))).as(line).isEqualTo(2);
        } finally {
            System.setErr(err);
        }
        return seen.toString(StandardCharsets.UTF_8);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "evaluate --model m --task t --limit -1",
                "pretrain --model m --config train/demo-pretrain --estimate --ranks 0",
                "evaluate --model m --latency --latency-batch 2147483647",
                "evaluate --model m --latency --latency-batch 8,0",
                "evaluate --model m --latency --latency-length -1",
                "evaluate --model m --latency --latency-repeats 0",
                "evaluate --model m --latency --latency-warmup -1",
                "dump-logits --model m --task t --tokens -5",
                "dump-logits --model m --task t --outputs -5",
                "prune --from m --task t --method uncurl --plan-only --experts 0",
                "prune --from m --task t --method uncurl --plan-only --experts 2 --max-cluster -1",
                "prune --from m --task t --method uncurl --plan-only --experts 2 --layers 1=0",
                "tokenize --config tokenize/demo --partitions -1",
                "tokenize --config tokenize/demo --partitions 0",
                "tokenize --config tokenize/demo --max-rejected NaN",
                "tokenize --config tokenize/demo --max-rejected 1e400",
                "sql --limit -1 x",
                "sql --limit 2147483647 x"
            })
    void aNumberOutOfItsRangeIsRefusedWithTheRange(String line) {
        assertThat(refused(line)).contains("is not possible").contains("from").hasLineCount(2);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "evaluate --model m --task t --latency-batch 1",
                "evaluate --model m --task t --latency-again",
                "pretrain --model m --config train/demo-pretrain --ranks 4",
                "pretrain --model m --config train/demo-pretrain --rank-gflops 4",
                "tokenize --config tokenize/demo --estimate --replace",
                "tokenize --config tokenize/demo --estimate --max-rejected 0.5",
                "prune --from m --task t --method uncurl --experts 2 --plan-only --model x"
            })
    void anOptionThatWouldDoNothingIsRefused(String line) {
        assertThat(refused(line)).contains("has no effect");
    }

    @Test
    void evaluateNeedsATaskUnlessItOnlyTimes() {
        assertThat(refused("evaluate --model m"))
                .contains("evaluate has no task")
                .contains("or --latency");
    }

    @ParameterizedTest
    @ValueSource(strings = {"a:b", "hdfs:", " "})
    void aWarehouseThatIsNoFolderIsRefused(String folder) {
        PrintStream err = System.err;
        var seen = new ByteArrayOutputStream();
        try {
            System.setErr(new PrintStream(seen, true, StandardCharsets.UTF_8));
            assertThat(Uncurl.commandLine().execute("verify", "--model", "m", "--warehouse", folder))
                    .isEqualTo(2);
            assertThat(Uncurl.commandLine().execute("verify", "--model", "m", "--warehouse", ""))
                    .isEqualTo(2);
        } finally {
            System.setErr(err);
        }
        assertThat(seen.toString(StandardCharsets.UTF_8))
                .contains("'" + folder + "'")
                .hasLineCount(4);
    }

    @Test
    void theHelpFitsOnAScreenAndListsEveryCommandOnce() {
        var uncurl = Uncurl.commandLine();
        List<String> lines = uncurl.getUsageMessage().lines().toList();
        assertThat(lines).hasSizeLessThanOrEqualTo(25);
        for (String command : uncurl.getSubcommands().keySet()) {
            assertThat(lines)
                    .filteredOn(line -> line.matches("  [ a-z]{10}" + command + "( .*)?"))
                    .hasSize(1);
        }
        assertThat(lines).anyMatch(line -> line.matches("  pruning +dump-logits +Runs .*"));
    }

    @Test
    void aMisspeltOptionIsNoStatement() {
        assertThat(refused("sql --cvs")).contains("--cvs");
        assertThat(refused("sql --cvs x")).contains("nknown").contains("--cvs");
    }

    @Test
    void debugShowsTheTraceBeforeAndAfterTheCommand() {
        String slip = "pretrain --model m --config nowhere";
        assertThat(refused(slip)).doesNotContain("\tat ").hasLineCount(2);
        assertThat(refused("--debug " + slip)).contains("\tat ").contains("nowhere");
        assertThat(refused(slip + " --debug")).contains("\tat ").contains("nowhere");
    }
}
