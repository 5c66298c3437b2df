package dev.uncurl.jobs.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.routing.RoutingFixture;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.tokenizer.Gpt2Tokenizer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Lengths in bytes and tokens, passages, and the metrics that depend on them, compared with the texts themselves. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ScoredColumnsTest {
    private static final String TASK = "superglue/copa";
    private static final Gpt2Tokenizer TOKENIZER = Gpt2Tokenizer.of(900);

    /** Prompt, choices, index of the right one. */
    private record Text(String prompt, List<String> choices, int label) {}

    private static final List<Text> TEXTS = List.of(
            new Text("It rained because", List.of(" of the clouds.", " no"), 0),
            new Text("Zoë sang so", List.of(" naïve", " ja 日本"), 1),
            new Text("He ran", List.of("\nhome", " and then he ran far away"), 1),
            new Text("They met; therefore", List.of(" x", " they spoke"), 0),
            new Text("A", List.of(" ", " b c d"), 1));

    private Cli cli;
    private Warehouse warehouse;

    @BeforeAll
    void makeExamples(@TempDir Path folder) {
        cli = new Cli(folder.resolve("warehouse"));
        warehouse = cli.open();
        RoutingFixture.model(warehouse, "base", RoutingFixture.config(3, 1), 1, TOKENIZER.fingerprint());
        run(TASK);
        run("text");
        var rows = new ArrayList<Map<String, Object>>();
        for (int i = 0; i < TEXTS.size(); i++) {
            Text text = TEXTS.get(i);
            rows.add(Map.ofEntries(
                    Map.entry("task", TASK),
                    Map.entry("split", "validation"),
                    Map.entry("example_id", (long) i),
                    Map.entry("prompt_tokens", TOKENIZER.encode(text.prompt)),
                    Map.entry("target_tokens", closed(text.choices.get(text.label))),
                    Map.entry(
                            "choices",
                            text.choices.stream().map(TOKENIZER::encode).toArray(int[][]::new)),
                    Map.entry("label", text.label),
                    Map.entry("right_choices", new int[] {text.label}),
                    Map.entry("prompt_version", "1"),
                    Map.entry("source", "val.jsonl"),
                    Map.entry("source_offset", i < 3 ? 0L : 77L),
                    Map.entry("source_part", i % 3)));
        }
        RoutingFixture.append(warehouse, UncurlTable.EXAMPLES, rows);
        int[] padded = Arrays.copyOf(closed("Ünï code, then some"), 20);
        Arrays.fill(padded, closed("Ünï code, then some").length, 20, -1);
        RoutingFixture.append(
                warehouse,
                UncurlTable.SEQUENCES,
                List.of(Map.of("corpus", "text", "split", "validation", "sequence_id", 0L, "tokens", padded)));
    }

    private void run(String corpus) {
        RoutingFixture.append(
                warehouse,
                UncurlTable.RUNS,
                List.of(Map.of(
                        "run_id",
                        "0123456789abcdef" + corpus,
                        "corpus",
                        corpus,
                        "tokenizer",
                        TOKENIZER.fingerprint(),
                        "vocabulary",
                        900,
                        "sequence_length",
                        RoutingFixture.CONTEXT)));
    }

    private static int[] closed(String text) {
        int[] tokens = TOKENIZER.encode(text);
        int[] closed = Arrays.copyOf(tokens, tokens.length + 1);
        closed[tokens.length] = TOKENIZER.endOfText();
        return closed;
    }

    private static int bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8).length;
    }

    private Row result(String task, String metric) {
        return warehouse
                .rows(UncurlTable.RESULTS, "task", task, "metric", metric)
                .first();
    }

    @Test
    void lengthsAreThoseOfTheTextsAndAccuraciesFollow() {
        cli.succeed("evaluate --model base --task " + TASK);
        List<Row> rows = warehouse
                .rows(UncurlTable.SCORED, "task", TASK)
                .orderBy("example_id")
                .collectAsList();
        assertThat(rows).hasSize(TEXTS.size());
        double bits = 0;
        long all = 0;
        int[] right = new int[4];
        for (int i = 0; i < rows.size(); i++) {
            Text text = TEXTS.get(i);
            Row row = rows.get(i);
            List<Integer> bytes = text.choices.stream()
                    .map(choice -> Math.max(1, bytes(choice) - (choice.startsWith(" ") ? 1 : 0)))
                    .toList();
            List<Integer> characters = text.choices.stream()
                    .map(choice ->
                            Math.max(1, choice.codePointCount(0, choice.length()) - (choice.startsWith(" ") ? 1 : 0)))
                    .toList();
            List<Integer> tokens = text.choices.stream()
                    .map(choice -> TOKENIZER.encode(choice).length)
                    .toList();
            assertThat(row.<Integer>getAs("prompt_tokens")).isEqualTo(TOKENIZER.encode(text.prompt).length);
            assertThat(row.<Integer>getList(row.fieldIndex("choice_characters")))
                    .isEqualTo(characters);
            assertThat(row.<Integer>getList(row.fieldIndex("choice_bytes"))).isEqualTo(bytes);
            assertThat(row.<Integer>getList(row.fieldIndex("choice_tokens"))).isEqualTo(tokens);
            assertThat(row.<String>getAs("cluster")).isEqualTo(i < 3 ? "val.jsonl:0" : "val.jsonl:77");
            int[] first = {TOKENIZER.encode(text.prompt)[0]};
            long expected = bytes(text.prompt + text.choices.get(text.label)) - TOKENIZER.decodeBytes(first).length;
            assertThat(row.<Long>getAs("bytes")).as(text.prompt).isEqualTo(expected);
            all += expected;
            bits += row.<Double>getAs("text_loss") / Math.log(2);
            List<Double> likelihoods = row.getList(row.fieldIndex("log_likelihoods"));
            right[0] += highest(likelihoods, List.of(1, 1)) == text.label ? 1 : 0;
            right[1] += highest(likelihoods, characters) == text.label ? 1 : 0;
            right[2] += highest(likelihoods, bytes) == text.label ? 1 : 0;
            right[3] += highest(likelihoods, tokens) == text.label ? 1 : 0;
        }
        String[] names = {"acc", "acc_norm", "acc_bytes", "acc_tokens"};
        for (int i = 0; i < names.length; i++) {
            assertThat(result(TASK, names[i]).<Double>getAs("value"))
                    .as(names[i])
                    .isCloseTo((double) right[i] / TEXTS.size(), within(1e-12));
        }
        assertThat(result(TASK, "bits_per_byte").<Double>getAs("value")).isCloseTo(bits / all, within(1e-12));
        assertThat(result(TASK, "bits_per_byte").<Long>getAs("n")).isEqualTo(all);
    }

    private static int highest(List<Double> likelihoods, List<Integer> lengths) {
        return IntStream.range(0, lengths.size())
                .boxed()
                .max((one, other) -> Double.compare(
                        likelihoods.get(one) / lengths.get(one), likelihoods.get(other) / lengths.get(other)))
                .orElseThrow();
    }

    @Test
    void bitsPerByteOfACorpusCountTheBytesOfPredictedText() {
        cli.succeed("evaluate --model base --task text");
        Row row = result("text", "bits_per_byte");
        int first = TOKENIZER.decodeBytes(new int[] {TOKENIZER.encode("Ünï code, then some")[0]}).length;
        assertThat(row.<Long>getAs("n")).isEqualTo(bytes("Ünï code, then some") - first);
        Row loss = result("text", "loss_per_token");
        double nats = loss.<Double>getAs("value") * loss.<Long>getAs("n");
        assertThat(row.<Double>getAs("value")).isCloseTo(nats / Math.log(2) / row.<Long>getAs("n"), within(1e-12));
    }
}
