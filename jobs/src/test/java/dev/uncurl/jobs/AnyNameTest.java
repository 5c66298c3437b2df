package dev.uncurl.jobs;

import static org.apache.spark.sql.functions.col;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.uncurl.jobs.routing.RoutingFixture;
import dev.uncurl.jobs.warehouse.CorpusRun;
import dev.uncurl.jobs.warehouse.Examples;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.tokenizer.Gpt2Tokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.Tag;
import org.apache.spark.sql.Row;

/** No row of one name appears under another or vanishes because of it, whatever corpora, tasks and models are called. */
@Tag("slow")
class AnyNameTest {
    private static final JsonMapper JSON =
            JsonMapper.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();
    private static final String SPLIT = "train";

    /** 300 bytes, more than a folder's name can have. */
    private static final String LONG = "\u3042".repeat(100);

    private record Names(List<String> corpora, List<List<String>> tasks, String impossible) {}

    /** A warehouse, and the examples that each task of each corpus in it has. */
    private record Tried(Cli cli, Map<String, Map<String, Long>> examples) {}

    @Provide
    Arbitrary<Names> names() {
        Arbitrary<String> task = DrawnNames.any().filter(AnyNameTest::canNameTask);
        Arbitrary<String> impossible = DrawnNames.any().filter(name -> !name.matches("(?s)[A-Za-z0-9].*"));
        return Combinators.combine(
                        DrawnNames.corpus().list().uniqueElements().ofSize(3),
                        task.list()
                                .uniqueElements()
                                .ofMinSize(2)
                                .ofMaxSize(5)
                                .map(AnyNameTest::withLong)
                                .list()
                                .ofSize(3),
                        impossible)
                .as(Names::new);
    }

    /** A row whose field has several control characters is no text, and rejected: PlainText. */
    private static boolean canNameTask(String name) {
        return !name.isEmpty()
                && StandardCharsets.UTF_8.newEncoder().canEncode(name)
                && name.chars().filter(Character::isISOControl).count() <= 1;
    }

    private static List<String> withLong(List<String> tasks) {
        var all = new LinkedHashSet<>(tasks);
        all.add(LONG);
        return List.copyOf(all);
    }

    @Property(tries = 1, edgeCases = EdgeCasesMode.NONE, shrinking = ShrinkingMode.OFF)
    void everyNameIsRefusedOrHasItsOwnRowsAndNoOthers(@ForAll("names") Names names) throws IOException {
        Path folder = Files.createTempDirectory("names");
        List<Integer> order = new ArrayList<>(List.of(0, 1, 2));
        for (String warehouse : List.of("one", "two")) {
            var tried = new Tried(new Cli(folder.resolve("in").resolve(warehouse)), new TreeMap<>());
            refuse(tried, folder, names.impossible);
            for (int corpus : order) {
                tokenize(tried, folder, names.corpora.get(corpus), names.tasks.get(corpus));
            }
            route(tried, "m.A-" + warehouse, names.impossible);
            Collections.reverse(order);
        }
        try (var beside = Files.list(folder)) {
            assertThat(beside.map(path -> path.getFileName().toString()).filter(name -> !name.endsWith(".conf")))
                    .containsExactlyInAnyOrder("in", "rows.jsonl");
        }
        try (var beside = Files.list(folder.resolve("in"))) {
            assertThat(beside).containsExactlyInAnyOrder(folder.resolve("in/one"), folder.resolve("in/two"));
        }
        org.apache.commons.io.FileUtils.deleteDirectory(folder.toFile());
    }

    private static Cli.Outcome run(Tried tried, Path folder, String corpus) throws IOException {
        Path config = Files.createTempFile(folder, "tokenize", ".conf");
        Files.writeString(
                config,
                """
                include classpath("conf/tokenize/defaults.conf")
                vocabulary = 300, sequence-length = 24, validation-fraction = 0, max-rejected = 0, seed = 1
                corpora = [{ name = %s, format = flan, paths = ["%s"], validation-paths = [] }]
                """
                        .formatted(JSON.writeValueAsString(corpus), folder.resolve("rows.jsonl")));
        return tried.cli.run("tokenize", "--config", config.toString());
    }

    private static void write(Path folder, List<String> tasks) throws IOException {
        var rows = new StringBuilder();
        for (int task = 0; task < tasks.size(); task++) {
            for (int row = 0; row <= task; row++) {
                rows.append(JSON.writeValueAsString(Map.of(
                                "inputs", "Q" + row, "targets", "A".repeat(task + 1), "task_name", tasks.get(task))))
                        .append('\n');
            }
        }
        Files.writeString(folder.resolve("rows.jsonl"), rows);
    }

    private static void refuse(Tried tried, Path folder, String corpus) throws IOException {
        write(folder, List.of("t"));
        assertThat(run(tried, folder, corpus).code()).isEqualTo(2);
        assertThat(tried.cli.folder()).doesNotExist();
    }

    /** A name that would mean two things is refused as a conflict, and leaves everything as it was. */
    private static void tokenize(Tried tried, Path folder, String corpus, List<String> tasks) throws IOException {
        write(folder, tasks);
        Cli.Outcome outcome = run(tried, folder, corpus);
        if (outcome.code() == 5) {
            assertThat(outcome.err()).contains(corpus).contains("has the name of");
        } else {
            assertThat(outcome.code()).as(outcome.err()).isZero();
            var counts = new TreeMap<String, Long>();
            for (int task = 0; task < tasks.size(); task++) {
                counts.put(corpus + "/" + tasks.get(task), task + 1L);
            }
            tried.examples.put(corpus, counts);
        }
        Warehouse warehouse = tried.cli.open();
        var there = new TreeMap<String, Map<String, Long>>();
        for (Row row : warehouse
                .table(UncurlTable.EXAMPLES)
                .groupBy("corpus", "task")
                .count()
                .collectAsList()) {
            there.computeIfAbsent(row.getString(0), name -> new TreeMap<>()).put(row.getString(1), row.getLong(2));
        }
        assertThat(there).isEqualTo(tried.examples);
        assertThat(CorpusRun.newest(warehouse).keySet()).isEqualTo(tried.examples.keySet());
    }

    /** Dumps a corpus and one of its tasks, and plans for the task. */
    private static void route(Tried tried, String model, String impossible) {
        Warehouse warehouse = tried.cli.open();
        String tokenizer = Gpt2Tokenizer.of(300).fingerprint();
        RoutingFixture.model(warehouse, model, RoutingFixture.config(3, 1), 1, tokenizer);
        String corpus = tried.examples.keySet().iterator().next();
        String task = Collections.max(tried.examples.get(corpus).keySet(), Comparator.comparing(String::length));
        for (String name : List.of(corpus, task)) {
            Cli.Outcome outcome = tried.cli.run("dump-logits", "--model", model, "--task", name);
            assertThat(outcome.code()).as(outcome.err()).isZero();
            long tokens = Examples.of(warehouse, name, SPLIT)
                    .selectExpr("sum(size(prompt_tokens) + size(target_tokens))")
                    .first()
                    .getLong(0);
            assertThat(warehouse
                            .rows(UncurlTable.GRAM, "model_id", model, "task", name, "layer", 1)
                            .collectAsList())
                    .singleElement()
                    .satisfies(row -> assertThat(row.<Long>getAs("tokens")).isEqualTo(tokens));
        }
        assertThat(tasks(warehouse, UncurlTable.LOGITS)).isEqualTo(Set.of(corpus, task));
        assertThat(tried.cli
                        .run("dump-logits", "--model", impossible, "--task", task)
                        .code())
                .isEqualTo(2);

        String[] prune = {"prune", "--from", model, "--task", task, "--method", "frequency", "--experts", "2", "--model"
        };
        assertThat(tried.cli.run(with(prune, impossible)).code()).isEqualTo(2);
        assertThat(tried.cli
                        .run(with(prune, model.toLowerCase(java.util.Locale.ROOT)))
                        .code())
                .isEqualTo(2);
        Cli.Outcome pruned = tried.cli.run(with(prune, model + ".pruned"));
        assertThat(pruned.code()).as(pruned.err()).isZero();
        assertThat(tasks(warehouse, UncurlTable.PLANS)).isEqualTo(Set.of(task));
        assertThat(warehouse.table(UncurlTable.REGISTRY).select("model_id").collectAsList())
                .extracting(row -> row.getString(0))
                .containsExactlyInAnyOrder(model, model + ".pruned");

        String bytes = HexFormat.of().formatHex(task.getBytes(StandardCharsets.UTF_8));
        assertThat(tried.cli.succeed(
                        "sql --csv",
                        "SELECT count(*) AS n FROM corpus.examples WHERE task = CAST(X'" + bytes + "' AS STRING)"))
                .isEqualToIgnoringNewLines("n\n" + tried.examples.get(corpus).get(task) + "\n");
    }

    private static String[] with(String[] arguments, String last) {
        var all = new ArrayList<>(List.of(arguments));
        all.add(last);
        return all.toArray(String[]::new);
    }

    private static Set<String> tasks(Warehouse warehouse, UncurlTable table) {
        return warehouse.table(table).select(col("task")).distinct().collectAsList().stream()
                .map(row -> row.getString(0))
                .collect(Collectors.toSet());
    }
}
