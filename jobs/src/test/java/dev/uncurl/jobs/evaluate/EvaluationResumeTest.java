package dev.uncurl.jobs.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.StallingUncurl;
import dev.uncurl.jobs.routing.RoutingFixture;
import dev.uncurl.jobs.warehouse.ModelCache;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.spec.ExpertShare;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Scores are the same bits however the work is divided, and no finished block is scored twice. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class EvaluationResumeTest {
    private static final String TASK = "superglue/cb";
    private static final int EXAMPLES = 3 * ScoringBlocks.SIZE + 8;
    private static final List<String> NAMES = List.of(TASK);

    private Cli cli;
    private Warehouse warehouse;

    @BeforeAll
    void makeModels(@TempDir Path folder) {
        cli = new Cli(folder.resolve("warehouse"));
        warehouse = cli.open();
        RoutingFixture.task(warehouse, TASK, EXAMPLES, 7);
        for (String model : List.of("one", "same", "again")) {
            RoutingFixture.model(warehouse, model, RoutingFixture.config(3, 1), 2);
        }
        RoutingFixture.model(warehouse, "other", RoutingFixture.config(3, 1), 3);
    }

    private List<Row> rows(UncurlTable table, String model, String order) {
        return warehouse
                .rows(table, "model_id", model)
                .orderBy(order)
                .drop("model_id", "manifest_sha256")
                .collectAsList();
    }

    private List<Row> scores(String model) {
        return rows(UncurlTable.SCORED, model, "example_id");
    }

    private void assertSame(String one, String other) {
        assertThat(scores(one)).hasSize(EXAMPLES).isEqualTo(scores(other));
        assertThat(rows(UncurlTable.RESULTS, one, "metric"))
                .isNotEmpty()
                .isEqualTo(rows(UncurlTable.RESULTS, other, "metric"));
    }

    private Path staging(String model) {
        return Path.of(warehouse.scoringFolder(model, TASK, "train").toUri());
    }

    /** Numbers of the staged blocks. */
    private Set<Integer> staged(String model) throws IOException {
        return blocks(staging(model));
    }

    private static Set<Integer> blocks(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.matches("\\d{12}\\.parquet"))
                    .map(name -> Integer.parseInt(name.substring(0, 12)))
                    .collect(Collectors.toCollection(TreeSet::new));
        }
    }

    @Test
    void aKilledEvaluationShowsNothingAndGoesOnToTheResultOfAnUndisturbedOne() throws Exception {
        String command = "evaluate --split train --task " + TASK + " --model ";
        StallingUncurl.kill(cli, "000000000002.parquet", command + "one");
        assertThat(staged("one")).isNotEmpty().doesNotContain(2);
        assertThat(scores("one")).isEmpty();
        cli.succeed(command + "one");
        cli.succeed(command + "same");
        assertSame("one", "same");
        assertThat(staging("one")).doesNotExist();
    }

    @Test
    void scoresDoNotDependOnTheNumberOfTasks() {
        var alone = new Evaluation(warehouse, 1);
        var spread = new Evaluation(warehouse, 5);
        alone.evaluate(copy("alone", "again"), NAMES, "train", 0, StopRule.NEVER);
        spread.evaluate(copy("spread", "again"), NAMES, "train", 0, StopRule.NEVER);
        assertSame("alone", "spread");
    }

    /** To the bit where a row of a product does not depend on the others; see ExampleScorer. */
    @Test
    void scoresDoNotDependOnTheDivisionOfExperts() {
        new Evaluation(warehouse).evaluate(copy("undivided", "again"), NAMES, "train", 0, StopRule.NEVER);
        List<Row> expected = rows(UncurlTable.RESULTS, "undivided", "metric");
        for (int parts : new int[] {2, 3}) {
            ScoredModel model = copy("divided" + parts, "again");
            Evaluation.divided(warehouse, parts).evaluate(model, NAMES, "train", 0, StopRule.NEVER);
            assertThat(scores(model.id())).hasSize(EXAMPLES);
            List<Row> results = rows(UncurlTable.RESULTS, model.id(), "metric");
            assertThat(results).hasSameSizeAs(expected);
            for (int i = 0; i < results.size(); i++) {
                double value = expected.get(i).getAs("value");
                assertThat(results.get(i).<Double>getAs("value")).isCloseTo(value, within(1e-6 * Math.abs(value)));
            }
        }
    }

    /** A registered model under another name. */
    private ScoredModel copy(String id, String registered) {
        ScoredModel model = ScoredModel.registered(warehouse, registered);
        return new ScoredModel(id, model.sha256(), model.tokenizer(), model.config(), model.source(), Optional.empty());
    }

    /** Fails in each task that loads the model after {@code most} others, once those have staged a block each. */
    private record Failing(ModelCache.Source source, int most, String folder) implements ModelCache.Source {
        static final AtomicInteger LOADS = new AtomicInteger();

        @Override
        public ModelCache.Loaded load() {
            if (LOADS.incrementAndGet() <= most) {
                return source.load();
            }
            try {
                while (blocks(Path.of(folder)).size() < most) {
                    Thread.sleep(10);
                }
            } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
            throw new IllegalStateException("the executor is lost");
        }

        @Override
        public ModelCache.Loaded load(ExpertShare share) throws IOException {
            return source.load(share);
        }
    }

    /** The model, whose evaluation fails after that many blocks. */
    private ScoredModel failing(ScoredModel model, int blocks) {
        Failing.LOADS.set(0);
        var source = new Failing(model.source(), blocks, staging(model.id()).toString());
        return new ScoredModel(model.id(), model.sha256(), model.tokenizer(), model.config(), source, Optional.empty());
    }

    @Test
    void aFinishedBlockIsScoredNeverAgainUnlessItsFileIsDamaged() throws IOException {
        ScoredModel first = copy("mixed", "again");
        assertThatThrownBy(
                        () -> new Evaluation(warehouse).evaluate(failing(first, 2), NAMES, "train", 0, StopRule.NEVER))
                .hasStackTraceContaining("the executor is lost");
        var finished = new ArrayList<>(staged("mixed"));
        assertThat(finished).hasSize(2);
        truncate("mixed", finished.remove(0));

        // another model's weights under the same key show which blocks are scored now
        ScoredModel second = ScoredModel.registered(warehouse, "other");
        var mixed = new ScoredModel(
                "mixed", first.sha256(), first.tokenizer(), first.config(), second.source(), Optional.empty());
        var evaluation = new Evaluation(warehouse);
        evaluation.evaluate(mixed, NAMES, "train", 0, StopRule.NEVER);
        evaluation.evaluate(copy("unmixed", "again"), NAMES, "train", 0, StopRule.NEVER);
        evaluation.evaluate("other", NAMES, "train", 0);
        List<Row> before = scores("unmixed");
        List<Row> after = scores("other");
        assertThat(before).doesNotContainAnyElementsOf(after);
        List<Row> found = scores("mixed");
        for (int i = 0; i < EXAMPLES; i++) {
            boolean kept = finished.contains(i / ScoringBlocks.SIZE);
            assertThat(found.get(i)).as("example " + i).isEqualTo((kept ? before : after).get(i));
        }
    }

    private void truncate(String model, int block) throws IOException {
        Path file = file(model, block);
        byte[] content = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(content, content.length / 2));
    }

    private Path file(String model, int block) throws IOException {
        try (Stream<Path> files = Files.walk(staging(model))) {
            return files.filter(path -> path.endsWith(String.format(Locale.ROOT, "%012d.parquet", block)))
                    .findFirst()
                    .orElseThrow();
        }
    }

    @Test
    void aBlockThatIsFoundDamagedWhenItIsMergedIsScoredByTheNextRun() throws IOException {
        ScoredModel model = copy("torn", "again");
        var evaluation = new Evaluation(warehouse);
        assertThatThrownBy(() -> evaluation.evaluate(failing(model, 1), NAMES, "train", 0, StopRule.NEVER))
                .hasStackTraceContaining("the executor is lost");
        int block = staged("torn").iterator().next();
        Path file = file("torn", block);
        byte[] content = Files.readAllBytes(file);
        content[100] ^= 1; // within a column, whose check sum is compared when it is read
        Files.write(file, content);
        assertThatThrownBy(() -> evaluation.evaluate(model, NAMES, "train", 0, StopRule.NEVER))
                .hasStackTraceContaining("Block " + block + " of ")
                .hasStackTraceContaining("is damaged");
        evaluation.evaluate(model, NAMES, "train", 0, StopRule.NEVER);
        evaluation.evaluate(copy("whole", "again"), NAMES, "train", 0, StopRule.NEVER);
        assertSame("torn", "whole");
    }

    @Test
    void scoresOfAReleaseWithoutTheNewerColumnsAreMadeAgain() {
        String line = "evaluate --model again --split train --task " + TASK;
        cli.succeed(line);
        assertThat(cli.succeed(line)).contains("are there already: reused");
        List<Row> before = scores("again");
        warehouse.spark().sql("UPDATE evaluation.examples SET prompt_tokens = NULL WHERE model_id = 'again'");
        assertThat(cli.succeed(line)).doesNotContain("reused");
        assertThat(scores("again")).hasSize(EXAMPLES).isEqualTo(before);
    }

    @Test
    void blocksOfOtherDataAreRemovedWhenTheModelIsScoredAgain() throws IOException {
        ScoredModel model = copy("changed", "again");
        assertThatThrownBy(() ->
                        new Evaluation(warehouse).evaluate(failing(model, 1), NAMES, "train", 100, StopRule.NEVER))
                .hasStackTraceContaining("the executor is lost");
        assertThat(staging("changed")).isDirectoryContaining(path -> true);
        new Evaluation(warehouse).evaluate(model, NAMES, "train", 70, StopRule.NEVER);
        assertThat(staging("changed")).doesNotExist();
        assertThat(scores("changed")).hasSize(70);
    }

    @Test
    void aRuleThatStopsGivesTheResultsOfThatLimit() {
        var asked = new ArrayList<Integer>();
        StopRule afterTwo = next -> {
            asked.add(next.size());
            return asked.size() == 2;
        };
        new Evaluation(warehouse).evaluate(copy("stopped", "again"), NAMES, "train", 0, afterTwo);
        new Evaluation(warehouse).evaluate(copy("limited", "again"), NAMES, "train", 128, StopRule.NEVER);
        assertThat(asked).containsExactly(64, 64);
        assertThat(scores("stopped")).hasSize(128).isEqualTo(scores("limited"));
        assertThat(rows(UncurlTable.RESULTS, "stopped", "metric"))
                .isEqualTo(rows(UncurlTable.RESULTS, "limited", "metric"));
    }

    @Test
    void aRuleIsAskedWheneverTheNumberOfBlocksHasDoubled() {
        var asked = new ArrayList<Integer>();
        StopRule never = next -> {
            asked.add(next.size());
            return false;
        };
        new Evaluation(warehouse).evaluate(copy("watched", "again"), NAMES, "train", 0, never);
        new Evaluation(warehouse).evaluate(copy("unwatched", "again"), NAMES, "train", 0, StopRule.NEVER);
        assertThat(asked).containsExactly(64, 64, EXAMPLES - 128);
        assertSame("watched", "unwatched");
    }
}
