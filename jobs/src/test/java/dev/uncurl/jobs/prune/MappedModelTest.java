package dev.uncurl.jobs.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.WeightArray;
import dev.uncurl.jobs.report.HtmlTables;
import dev.uncurl.jobs.routing.RoutingFixture;
import dev.uncurl.jobs.tokenize.TokenizeFixture;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.spec.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Models with mapped or masked routers, and models whose layers differ in experts, through the commands. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class MappedModelTest {
    private static final String TASK = "superglue/copa";

    private Cli cli;
    private Warehouse warehouse;

    @BeforeAll
    void prune(@TempDir Path folder) {
        cli = new Cli(folder.resolve("warehouse"));
        warehouse = TokenizeFixture.warehouse(cli.folder());
        RoutingFixture.task(warehouse, TASK, 60, 3);
        RoutingFixture.model(warehouse, "base", RoutingFixture.config(5, 2), 1);
        cli.succeed("dump-logits --model base --task " + TASK);
        cli.succeed("prune --from base --task " + TASK + " --method uncurl --experts 2 --model mapped");
        cli.succeed("prune --from base --task " + TASK
                + " --method uncurl --experts 2 --layers 3=4 --router collapse --model uneven");
        cli.succeed("prune --from base --task " + TASK + " --method frequency --experts 2 --model masked");
        cli.succeed(
                "prune --from base --task " + TASK + " --method frequency --experts 2 --router zero --model zeroed");
    }

    private ModelFolder model(String id) {
        return new Models(warehouse).open(id);
    }

    @ParameterizedTest
    @ValueSource(strings = {"mapped", "uneven", "masked", "zeroed"})
    void isDumpedVerifiedFinetunedAndEvaluatedAsAnyOther(String id) throws IOException {
        cli.succeed("dump-logits --model " + id + " --task " + TASK + " --tokens 300 --outputs 100");
        cli.succeed("verify --model " + id + " --task " + TASK);
        cli.succeed(
                "finetune --from " + id + " --model " + id + "-tuned --task " + TASK + " --config "
                        + Path.of("src/test/resources/tiny/finetune.conf"),
                "--set",
                "train.tokens=1200",
                "--set",
                "train.validation.every=0");
        cli.succeed("evaluate --split train --task " + TASK + " --model " + id + " --model " + id
                + "-tuned --latency --latency-batch 2 --latency-repeats 2");
        ModelFolder model = model(id);
        for (int layer : model.config().moeLayers()) {
            int rows = model.config().moe().layer(layer).routerRows();
            for (UncurlTable table : List.of(UncurlTable.GRAM, UncurlTable.OUTPUT_GRAM)) {
                Row gram = warehouse.rows(table, "model_id", id, "layer", layer).first();
                assertThat(gram.getList(gram.fieldIndex("gram"))).hasSize(rows * rows);
            }
            assertThat(warehouse
                            .rows(UncurlTable.EXPERT_STATISTICS, "model_id", id, "layer", layer)
                            .count())
                    .isEqualTo(rows);
        }
        ModelFolder tuned = model(id + "-tuned");
        assertThat(tuned.config()).isEqualTo(model.config());
        assertThat(WeightArray.of(tuned)).isNotEqualTo(WeightArray.of(model));
        assertThat(loss(id + "-tuned")).isLessThan(loss(id));
        if (id.equals("masked")) { // the two experts that are left are chosen by every token
            assertThat(warehouse
                            .sql("SELECT layer.dead_experts, layer.load_imbalance FROM training.metrics"
                                    + " LATERAL VIEW explode(layers) AS layer WHERE run_id = 'masked-tuned'")
                            .collectAsList())
                    .isNotEmpty()
                    .allMatch(row -> row.getInt(0) == 0 && row.getDouble(1) == 1);
        }
        Row row = warehouse.rows(UncurlTable.REGISTRY, "model_id", id).first();
        assertThat(row.<Long>getAs("parameters")).isEqualTo(model.layout().length());
        assertThat(row.<String>getAs("config")).contains("\"by-layer\":{\"1\":{\"experts\":2");
    }

    @Test
    void aModelStoredAsBf16IsDumpedVerifiedEvaluatedAndPrunedAgain() throws IOException {
        String prune = "prune --from base --task " + TASK + " --method uncurl --experts 3 --router collapse --model ";
        cli.succeed(prune + "wide");
        cli.succeed(prune + "narrow --dtype bf16");
        assertThat(model("wide").manifest().lineage().inputs()).doesNotContainKey("dtype");
        assertThat(model("narrow").manifest().lineage().inputs()).containsEntry("dtype", "bf16");
        assertThat(model("narrow").dtype()).isEqualTo(DType.BF16);
        for (String tensor : model("wide").tensors().names()) {
            float[] expected = model("wide").tensors().read(tensor);
            for (int i = 0; i < expected.length; i++) {
                expected[i] = DType.BF16.round(expected[i]);
            }
            assertThat(model("narrow").tensors().read(tensor)).containsExactly(expected);
        }
        cli.succeed("dump-logits --model narrow --task " + TASK);
        assertThat(cli.succeed("verify --model narrow --task " + TASK))
                .containsPattern(
                        "0 tensors copied bit for bit, [1-9]\\d* rounded to bf16, [1-9]\\d* merged, 2 routers");
        cli.succeed("evaluate --split train --task " + TASK + " --model wide --model narrow");
        assertThat(loss("narrow")).isCloseTo(loss("wide"), within(0.02));
        cli.succeed("prune --from narrow --task " + TASK
                + " --method frequency --experts 2 --router slice --dtype bf16 --model narrower");
        assertThat(cli.succeed("verify --model narrower"))
                .containsPattern("[1-9]\\d* tensors copied bit for bit, 0 merged, 2 routers");
        Cli.Outcome conflict = cli.run((prune + "narrow").split(" "));
        assertThat(conflict.code()).as(conflict.err()).isEqualTo(5);
        assertThat(conflict.err()).contains("dtype");
        Cli.Outcome unknown = cli.run((prune + "other --dtype f16").split(" "));
        assertThat(unknown.code()).as(unknown.err()).isEqualTo(2);
        assertThat(unknown.err()).contains("There is no dtype f16");
    }

    private double loss(String id) {
        return warehouse
                .rows(UncurlTable.RESULTS, "model_id", id, "metric", "loss_per_token")
                .first()
                .getAs("value");
    }

    /** Five rows of which three are never chosen; what the tables and the report say of them, they say of two experts. */
    @Test
    void expertsThatAreMaskedAreNeverChosenAndNotCalledDead(@TempDir Path folder) throws IOException {
        ModelFolder masked = model("masked");
        assertThat(masked.config().moe().layer(1).liveRows()).isEqualTo(2);
        assertThat(masked.config().moe().topK()).isEqualTo(2);
        assertThat(masked.manifest().lineage().inputs()).containsEntry("router", "mask");
        cli.succeed("dump-logits --model masked --task " + TASK + " --tokens 300");
        assertThat(warehouse
                        .sql("SELECT tokens, mean_probability FROM dropped_experts"
                                + " JOIN routing.expert_statistics USING (model_id, layer, expert)"
                                + " WHERE model_id = 'masked'")
                        .collectAsList())
                .hasSize(6)
                .allMatch(row -> row.getLong(0) == 0 && row.getDouble(1) > 0);
        assertThat(warehouse
                        .sql("SELECT experts, dead_experts FROM load_imbalance WHERE model_id = 'masked'")
                        .collectAsList())
                .hasSize(2)
                .allMatch(row -> row.getLong(0) == 2 && row.getLong(1) == 0);
        Path page = folder.resolve("masked.html");
        cli.succeed("report routing --model masked --task " + TASK + " --out " + page);
        HtmlTables tables = HtmlTables.of(java.nio.file.Files.readAllBytes(page));
        assertThat(tables.rows("Share by expert and layer, percent, " + TASK).stream()
                        .filter(row -> row.get(1).text().equals("masked")))
                .hasSize(3);
    }

    /** Five rows of which three are chosen in vain: the tables show those choices, and the balance is that of two experts. */
    @Test
    void expertsThatAreZeroedAreChosenAsBeforeAndNotBalanced(@TempDir Path folder) throws IOException {
        ModelFolder zeroed = model("zeroed");
        assertThat(zeroed.config().moe().layer(1).liveRows()).isEqualTo(2);
        assertThat(zeroed.config().moe().choices(1)).isEqualTo(2);
        assertThat(zeroed.manifest().lineage().inputs()).containsEntry("router", "zero");
        cli.succeed("dump-logits --model zeroed --task " + TASK + " --tokens 300");
        cli.succeed("dump-logits --model base --task " + TASK + " --tokens 300");
        assertThat(warehouse
                        .sql("SELECT own.tokens, own.gate_mass, own.output_norm, parent.tokens FROM dropped_experts"
                                + " JOIN routing.expert_statistics own USING (model_id, layer, expert)"
                                + " JOIN routing.expert_statistics parent USING (layer, expert, task, split)"
                                + " WHERE own.model_id = 'zeroed' AND router = 'zero' AND parent.model_id = 'base'"
                                + " AND layer = 1")
                        .collectAsList())
                .hasSize(3)
                .allMatch(row -> row.getLong(0) == row.getLong(3) && row.getDouble(1) == 0 && row.getDouble(2) == 0)
                .anyMatch(row -> row.getLong(0) > 0);
        assertThat(warehouse
                        .sql("SELECT experts, max_over_mean FROM load_imbalance WHERE model_id = 'zeroed'")
                        .collectAsList())
                .hasSize(2)
                .allMatch(row -> row.getLong(0) == 2 && row.getDouble(1) >= 1 && row.getDouble(1) <= 2);
        Path page = folder.resolve("zeroed.html");
        cli.succeed("report routing --model zeroed --task " + TASK + " --out " + page);
        assertThat(java.nio.file.Files.readString(page)).contains("which add nothing: it was dropped");
        Cli.Outcome outcome =
                cli.run(("prune --plan-only --from zeroed --task " + TASK + " --method reap --experts 1").split(" "));
        assertThat(outcome.code()).isEqualTo(3);
        assertThat(outcome.err()).contains("with the router rule zero").contains("2 of 5 router rows");
    }

    /** The lineage of such a model called its slice a map; so it is changed back here, and verified all the same. */
    @Test
    void aSlicedModelIsVerifiedAlsoUnderTheNameThatItsRuleHadBefore() throws IOException {
        cli.succeed("prune --from base --task " + TASK + " --method random --experts 2 --router slice --model sliced");
        ModelFolder sliced = model("sliced");
        assertThat(sliced.config()).isEqualTo(model("base").config().withExperts(2));
        cli.succeed("verify --model sliced");
        var lineage = sliced.manifest().lineage();
        for (String former : List.of("map", "collapse")) {
            var inputs = new java.util.TreeMap<>(lineage.inputs());
            inputs.put("router", former);
            String id = "sliced-" + former;
            ModelFolder.write(
                    warehouse.files(),
                    warehouse.modelFolder(id),
                    sliced.config(),
                    sliced,
                    dev.uncurl.checkpoint.Lineage.here("base", "prune", inputs, lineage.command(), "test"));
            new Models(warehouse).register(id, ModelFolder.open(warehouse.files(), warehouse.modelFolder(id)));
            cli.succeed("verify --model " + id);
        }
    }

    /** Before its experts were merged, the first router saw the same: its logits stay, and so what a dump says of them. */
    @Test
    void theDumpOfAMappedModelReadsAsBeforeThePruning() {
        cli.succeed("dump-logits --model mapped --task " + TASK + " --tokens 300");
        cli.succeed("dump-logits --model base --task " + TASK + " --tokens 300");
        List<Double> before = gram("base");
        List<Double> after = gram("mapped");
        assertThat(after).hasSize(25);
        for (int i = 0; i < 25; i++) {
            assertThat(after.get(i)).isCloseTo(before.get(i), within(1e-6 * Math.abs(before.get(i))));
        }
    }

    private List<Double> gram(String id) {
        Row row = warehouse.rows(UncurlTable.GRAM, "model_id", id, "layer", 1).first();
        return row.getList(row.fieldIndex("gram"));
    }

    @Test
    void suchModelsAreNotPrunedAgainAndAnUnknownRuleIsRefused() {
        Cli.Outcome outcome =
                cli.run(("prune --plan-only --from mapped --task " + TASK + " --method uncurl --experts 1").split(" "));
        assertThat(outcome.code()).isEqualTo(3);
        assertThat(outcome.err()).contains("router rows lead to 2 experts").contains("--router collapse");
        outcome =
                cli.run(("prune --plan-only --from uneven --task " + TASK + " --method uncurl --experts 1").split(" "));
        assertThat(outcome.code()).isEqualTo(3);
        assertThat(outcome.err()).contains("different numbers of experts: {1=2, 3=4} by layer");
        outcome = cli.run(("prune --plan-only --from base --task " + TASK + " --method uncurl --experts 1 --router mop")
                .split(" "));
        assertThat(outcome.code()).isEqualTo(2);
        assertThat(outcome.err()).contains("Did you mean map?");
        outcome = cli.run(("prune --plan-only --from masked --task " + TASK + " --method reap --experts 1").split(" "));
        assertThat(outcome.code()).isEqualTo(3);
        assertThat(outcome.err()).contains("with the router rule mask").contains("2 of 5 router rows");
        outcome = cli.run(("prune --plan-only --from base --task " + TASK + " --method reap --experts 1 --router map")
                .split(" "));
        assertThat(outcome.code()).isEqualTo(2);
        assertThat(outcome.err()).contains("drops experts").contains("--router mask or slice or zero");
    }
}
