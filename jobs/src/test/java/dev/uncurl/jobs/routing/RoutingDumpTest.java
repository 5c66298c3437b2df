package dev.uncurl.jobs.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.WeightArray;
import dev.uncurl.jobs.tokenize.TokenizeFixture;
import dev.uncurl.jobs.warehouse.CorpusRun;
import dev.uncurl.jobs.warehouse.Examples;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.Sequences;
import dev.uncurl.model.SmoeLanguageModel;
import dev.uncurl.model.TokenBatch;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.factory.Nd4j;

@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RoutingDumpTest {
    private static final String[] KEY = {"layer", "sequence_id", "position"};

    private Path folder;
    private Warehouse warehouse;

    @BeforeAll
    void dumpOnce(@TempDir Path folder) {
        this.folder = folder;
        warehouse = TokenizeFixture.warehouse(folder.resolve("warehouse"));
        RoutingFixture.model(warehouse, "two", RoutingFixture.config(5, 2), 1);
        RoutingFixture.model(warehouse, "one", RoutingFixture.config(3, 1), 2);
        RoutingFixture.task(warehouse, "superglue/copa", 150, 3);
        assertThat(RoutingFixture.dump(warehouse, "two", "superglue/copa", 0)).isTrue();
    }

    private List<Row> logits(String model, String task) {
        return warehouse
                .rows(UncurlTable.LOGITS, "model_id", model, "task", task)
                .orderBy(KEY[0], KEY[1], KEY[2])
                .collectAsList();
    }

    private static float[] floats(Row row, String column) {
        List<Float> values = row.getList(row.fieldIndex(column));
        float[] floats = new float[values.size()];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = values.get(i);
        }
        return floats;
    }

    /** Each example by itself through the model, without Spark, batches or padding. */
    @Test
    void theRowsAreWhatTheRoutersDoWithEachSequenceAlone() throws IOException {
        ModelFolder model = new Models(warehouse).open("two");
        var rows = logits("two", "superglue/copa").iterator();
        var parameters = Nd4j.createFromArray(WeightArray.of(model));
        var examples = new TreeMap<Long, int[]>();
        for (Row row : warehouse
                .table(UncurlTable.EXAMPLES)
                .where("task = 'superglue/copa'")
                .collectAsList()) {
            examples.put(
                    row.getAs("example_id"),
                    Sequences.fit(
                            Examples.ints(row, "prompt_tokens"),
                            Examples.ints(row, "target_tokens"),
                            RoutingFixture.CONTEXT));
        }
        try (var language = SmoeLanguageModel.forScoring(model.config(), parameters, RoutingFixture.CONTEXT)) {
            for (int layer : new int[] {1, 3}) {
                for (var example : examples.entrySet()) {
                    int[] tokens = example.getValue();
                    language.forward(TokenBatch.ofSequences(List.of(tokens)));
                    var view = language.routing(layer);
                    Integer previous = null;
                    for (int position = 0; position < tokens.length; position++) {
                        Row row = rows.next();
                        assertThat(List.<Object>of(
                                        row.getAs("layer"),
                                        row.getAs("sequence_id"),
                                        row.getAs("position"),
                                        row.getAs("sequence_length"),
                                        row.getAs("token_id")))
                                .containsExactly(layer, example.getKey(), position, tokens.length, tokens[position]);
                        assertThat(row.<Integer>getAs("previous_expert")).isEqualTo(previous);
                        int[] experts = Examples.ints(row, "experts");
                        assertThat(experts).containsExactly(view.expert(position, 0), view.expert(position, 1));
                        previous = experts[0];
                        for (int e = 0; e < 5; e++) {
                            assertThat(floats(row, "logits")[e]).isCloseTo(view.logit(position, e), within(1e-4f));
                        }
                        for (int choice = 0; choice < 2; choice++) {
                            assertThat(floats(row, "gates")[choice])
                                    .isCloseTo(view.gate(position, choice), within(1e-4f));
                            assertThat(floats(row, "output_norms")[choice])
                                    .isCloseTo(view.outputNorm(position, choice), within(1e-4f));
                        }
                    }
                }
            }
        }
        assertThat(rows.hasNext()).isFalse();
    }

    @Test
    void rowsAndSumsHaveTheSameBitsForAnyNumberOfTasks() {
        String expected = logits("two", "superglue/copa").toString();
        String sums = tables("two");
        ModelFolder model = new Models(warehouse).open("two");
        CorpusRun run = CorpusRun.ofTask(warehouse, "superglue/copa");
        RoutingKey key = RoutingKey.of("two", model, "superglue/copa", "train", run, 0);
        var inputs = DumpSequences.of(
                warehouse, "superglue/copa", "train", RoutingFixture.CONTEXT, RoutingFixture.CONTEXT, 0);
        var tables = new RoutingTables(warehouse);
        for (int partitions : new int[] {1, 2, 7}) {
            tables.writeSums(key, new RoutingDump(warehouse, partitions).write(key, model, inputs));
            assertThat(logits("two", "superglue/copa").toString()).isEqualTo(expected);
            assertThat(tables("two")).isEqualTo(sums);
            var shuffled = tables.logits(key).repartition(partitions);
            tables.writeSums(key, tables.sums(shuffled, "sum", 0));
            assertThat(tables("two")).isEqualTo(sums);
        }
    }

    @Test
    void rowsAreTheSameApartFromRoundingIfExpertsAreDivided() {
        List<Row> expected = logits("two", "superglue/copa");
        ModelFolder model = new Models(warehouse).open("two");
        CorpusRun run = CorpusRun.ofTask(warehouse, "superglue/copa");
        RoutingKey key = RoutingKey.of("two", model, "superglue/copa", "train", run, 0);
        var inputs = DumpSequences.of(
                warehouse, "superglue/copa", "train", RoutingFixture.CONTEXT, RoutingFixture.CONTEXT, 0);
        try {
            for (int parts : new int[] {2, 5}) {
                new RoutingDump(warehouse, 1, parts).write(key, model, inputs);
                List<Row> divided = logits("two", "superglue/copa");
                assertThat(divided).hasSameSizeAs(expected);
                for (int i = 0; i < divided.size(); i++) {
                    for (String column : List.of("layer", "sequence_id", "position", "token_id")) {
                        assertThat(divided.get(i).<Object>getAs(column))
                                .isEqualTo(expected.get(i).getAs(column));
                    }
                    for (String column : List.of("logits", "gates", "output_norms")) {
                        assertThat(floats(divided.get(i), column))
                                .containsExactly(floats(expected.get(i), column), within(1e-4f));
                    }
                }
            }
        } finally {
            new RoutingDump(warehouse, 1).write(key, model, inputs);
        }
    }

    /** Statistics and Gram matrices with all their digits. */
    private String tables(String model) {
        return warehouse
                        .rows(UncurlTable.EXPERT_STATISTICS, "model_id", model)
                        .orderBy("task", "layer", "expert")
                        .collectAsList()
                + "\n"
                + warehouse
                        .rows(UncurlTable.GRAM, "model_id", model)
                        .orderBy("task", "layer")
                        .collectAsList();
    }

    @Test
    void aFileHoldsOneLayerInTheOrderOfSequencesAndPositions() {
        Row before = null;
        for (Row row : warehouse
                .spark()
                .sql("SELECT _file AS file, layer, sequence_id, position FROM routing.logits"
                        + " WHERE task = 'superglue/copa' ORDER BY _file, _pos")
                .collectAsList()) {
            if (before != null && before.getString(0).equals(row.getString(0))) {
                assertThat(row.getInt(1)).isEqualTo(before.getInt(1));
                assertThat(row.getLong(2) * 1000 + row.getInt(3))
                        .isGreaterThan(before.getLong(2) * 1000 + before.getInt(3));
            }
            before = row;
        }
        assertThat(before).isNotNull();
    }

    @Test
    void aSampleIsTheSameForEveryModelAndAPartOfEveryLargerSample() {
        RoutingFixture.task(warehouse, "superglue/rte", 200, 5);
        RoutingFixture.dump(warehouse, "one", "superglue/rte", 700);
        RoutingFixture.dump(warehouse, "two", "superglue/rte", 700);
        List<Long> sample = sequences("one", "superglue/rte");
        assertThat(sequences("two", "superglue/rte")).isEqualTo(sample);
        long tokens = warehouse
                .rows(UncurlTable.LOGITS, "model_id", "one", "task", "superglue/rte", "layer", 1)
                .count();
        assertThat(tokens).isBetween(700L, 700L + RoutingFixture.CONTEXT);
        assertThat(sample.get(sample.size() - 1)).isGreaterThan(sample.size() + 20);
        RoutingFixture.dump(warehouse, "one", "superglue/rte", 1500);
        assertThat(sequences("one", "superglue/rte"))
                .containsAll(sample)
                .hasSizeGreaterThan(sample.size())
                .hasSizeLessThan(200);
    }

    private List<Long> sequences(String model, String task) {
        return warehouse
                .rows(UncurlTable.LOGITS, "model_id", model, "task", task)
                .select("sequence_id")
                .distinct()
                .orderBy("sequence_id")
                .collectAsList()
                .stream()
                .map(row -> row.getLong(0))
                .toList();
    }

    @Test
    void sumsOfTwoDumpsAddUpToThoseOfBoth() {
        RoutingFixture.run(warehouse, "flan");
        RoutingFixture.examples(warehouse, "flan/a", 40, 11);
        RoutingFixture.examples(warehouse, "flan/b", 50, 12);
        for (String task : List.of("flan/a", "flan/b", "flan")) {
            assertThat(RoutingFixture.dump(warehouse, "one", task, 0)).isTrue();
        }
        Map<String, Map<String, Object>> dumps = new HashMap<>();
        for (String task : List.of("flan/a", "flan/b", "flan")) {
            dumps.put(task, sums("one", task));
        }
        dumps.get("flan").forEach((name, both) -> {
            Object a = dumps.get("flan/a").get(name);
            Object b = dumps.get("flan/b").get(name);
            if (both instanceof Long count) {
                assertThat((Long) a + (Long) b).as(name).isEqualTo(count);
            } else {
                double sum = (Double) a + (Double) b;
                assertThat(sum).as(name).isCloseTo((Double) both, within(1e-5 * (1 + Math.abs(sum))));
            }
        });
        assertThat(dumps.get("flan")).hasSize(2 * (3 * 11 + 9));
        assertThat(warehouse
                        .rows(UncurlTable.LOGITS, "model_id", "one", "task", "flan")
                        .select("layer", "sequence_id", "position")
                        .distinct()
                        .count())
                .isEqualTo(warehouse
                        .rows(UncurlTable.LOGITS, "model_id", "one", "task", "flan")
                        .count());
    }

    /** All that adds up, by name: sums restored from means with the counts of the same row. */
    private Map<String, Object> sums(String model, String task) {
        var sums = new TreeMap<String, Object>();
        var tokens = new HashMap<Integer, Long>();
        for (Row row : warehouse
                .rows(UncurlTable.GRAM, "model_id", model, "task", task)
                .collectAsList()) {
            tokens.put(row.getAs("layer"), row.getAs("tokens"));
            List<Double> gram = row.getList(row.fieldIndex("gram"));
            for (int i = 0; i < gram.size(); i++) {
                sums.put("gram " + row.getAs("layer") + " " + i, gram.get(i));
            }
        }
        for (Row row : warehouse
                .rows(UncurlTable.EXPERT_STATISTICS, "model_id", model, "task", task)
                .collectAsList()) {
            String place = " " + row.getAs("layer") + " " + row.getAs("expert");
            for (String column : List.of(
                    "tokens",
                    "frequent_tokens",
                    "first_third_tokens",
                    "middle_third_tokens",
                    "last_third_tokens",
                    "repeated_tokens")) {
                sums.put(column + place, row.<Long>getAs(column));
            }
            long all = tokens.get(row.<Integer>getAs("layer"));
            sums.put("gate_mass" + place, row.<Double>getAs("gate_mass"));
            sums.put("probability" + place, row.<Double>getAs("mean_probability") * all);
            sums.put("logit" + place, row.<Double>getAs("mean_logit") * all);
            sums.put("norm" + place, row.<Double>getAs("output_norm") * row.<Long>getAs("tokens"));
            sums.put("contribution" + place, row.<Double>getAs("contribution") * row.<Long>getAs("tokens"));
        }
        return sums;
    }

    @Test
    void aCorpusIsDumpedWithoutItsPadding() {
        RoutingFixture.run(warehouse, "text");
        var rows = new ArrayList<Map<String, Object>>();
        var random = new java.util.Random(1);
        for (long id = 0; id < 9; id++) {
            int[] tokens = RoutingFixture.tokens(random, RoutingFixture.CONTEXT);
            if (id == 4) {
                java.util.Arrays.fill(tokens, 5, tokens.length, -1);
            }
            rows.add(Map.of("corpus", "text", "split", "train", "sequence_id", id, "tokens", tokens));
        }
        RoutingFixture.append(warehouse, UncurlTable.SEQUENCES, rows);
        RoutingFixture.dump(warehouse, "one", "text", 0);
        assertThat(warehouse
                        .rows(UncurlTable.LOGITS, "model_id", "one", "task", "text", "layer", 3)
                        .count())
                .isEqualTo(8 * RoutingFixture.CONTEXT + 5);
    }

    @Test
    void whatDoesNotFitIsRefusedWithTheNumbersAndTooFewTokensAreWarnedOf() {
        RoutingDump.requireRoom(400, 500);
        assertThatThrownBy(() -> RoutingDump.requireRoom(1_000_000, 1_200_000))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("1,000,000")
                .hasMessageContaining("1,200,000")
                .hasMessageContaining("--tokens");
        assertThat(RoutingDump.tokensNeeded(RoutingFixture.config(64, 1))).isEqualTo(64_000);
        assertThat(RoutingDump.tokensNeeded(RoutingFixture.config(64, 2))).isEqualTo(32_000);
    }

    @Test
    void verifyPassesWhatIsWholeAndNamesWhatIsNot() {
        RoutingFixture.task(warehouse, "superglue/wic", 20, 9);
        RoutingFixture.model(warehouse, "checked", RoutingFixture.config(3, 1), 4);
        var cli = new Cli(folder.resolve("warehouse"));
        assertThat(cli.succeed("dump-logits --model checked --task superglue/wic"))
                .contains("About to write")
                .contains("Warning")
                .contains("3,000");
        assertThat(cli.succeed("verify --model checked"))
                .contains("superglue/wic")
                .contains("2 layers");
        cli.succeed("verify --model checked --task superglue/wic");
        assertThat(cli.run("verify", "--model", "checked", "--task", "superglue/cola")
                        .code())
                .isEqualTo(3);
        warehouse
                .spark()
                .sql("UPDATE routing.expert_statistics SET gate_mass = gate_mass * (1 + 1e-15)"
                        + " WHERE model_id = 'checked' AND layer = 3 AND expert = 1");
        Cli.Outcome outcome = cli.run("verify", "--model", "checked");
        assertThat(outcome.code()).isEqualTo(3);
        assertThat(outcome.err()).contains("layer 3, expert 1: gate_mass is").contains("dump-logits again");
    }
}
