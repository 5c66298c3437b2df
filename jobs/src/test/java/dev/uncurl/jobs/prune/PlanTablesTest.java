package dev.uncurl.jobs.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.clustering.CanonicalGram;
import dev.uncurl.clustering.NaiveKMeans;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.routing.RoutingFixture;
import dev.uncurl.jobs.tokenize.TokenizeFixture;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.pruning.BuiltInMethods;
import dev.uncurl.pruning.ExpertAssignment;
import dev.uncurl.pruning.LayerScore;
import dev.uncurl.pruning.PlanSettings;
import dev.uncurl.routing.RouterGram;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Plans of a model with random weights: from the routing tables, into the tables of pruning. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PlanTablesTest {
    private static final int EXPERTS = 12;
    private static final String TASK = "superglue/copa";

    private Cli cli;
    private Warehouse warehouse;

    @BeforeAll
    void dump(@TempDir Path folder) {
        cli = new Cli(folder.resolve("warehouse"));
        warehouse = TokenizeFixture.warehouse(cli.folder());
        RoutingFixture.model(warehouse, "base", RoutingFixture.config(EXPERTS, 2), 1);
        RoutingFixture.task(warehouse, TASK, 40, 3);
        RoutingFixture.dump(warehouse, "base", TASK, 0);
    }

    private PlanTables.Planned plan(String task, BuiltInMethods method, int experts) {
        ModelFolder model = new Models(warehouse).open("base");
        return new PlanTables(warehouse).plan(model, "base", task, "train", PlanSettings.of(method, experts, 7));
    }

    /** Columns of H [E, N] as the table has them, in the order in which k-means draws. */
    private double[][] columns(int layer) {
        List<Row> rows = warehouse
                .rows(UncurlTable.LOGITS, "model_id", "base", "task", TASK, "layer", layer)
                .orderBy("sequence_id", "position")
                .collectAsList();
        Row gram = warehouse
                .rows(UncurlTable.GRAM, "model_id", "base", "task", TASK, "layer", layer)
                .first();
        double[] products = gram.<Double>getList(gram.fieldIndex("gram")).stream()
                .mapToDouble(Double::doubleValue)
                .toArray();
        CanonicalGram order = CanonicalGram.of(new RouterGram(EXPERTS, rows.size(), products));
        double[][] columns = new double[EXPERTS + 1][rows.size()];
        columns[EXPERTS] = new double[EXPERTS];
        for (int place = 0; place < EXPERTS; place++) {
            columns[EXPERTS][place] = order.expert(place);
            for (int t = 0; t < rows.size(); t++) {
                columns[place][t] = rows.get(t)
                        .<Float>getList(rows.get(t).fieldIndex("logits"))
                        .get(order.expert(place));
            }
        }
        return columns;
    }

    @Test
    void labelsAreThoseOfANaiveKMeansOverTheRowsOfTheTable() {
        for (int clusters : new int[] {1, 3, 5, 8, EXPERTS}) {
            PlanTables.Planned planned = plan(TASK, BuiltInMethods.UNCURL, clusters);
            for (int layer : new int[] {1, 3}) {
                double[][] all = columns(layer);
                double[][] points = Arrays.copyOf(all, EXPERTS);
                int[] naive = NaiveKMeans.assignClusters(points, clusters, 7);
                List<ExpertAssignment> rows = planned.plan().layer(layer);
                for (int i = 0; i < EXPERTS; i++) {
                    for (int j = 0; j < EXPERTS; j++) {
                        int one = rows.get((int) all[EXPERTS][i]).cluster();
                        int other = rows.get((int) all[EXPERTS][j]).cluster();
                        assertThat(one == other).isEqualTo(naive[i] == naive[j]);
                    }
                }
            }
        }
    }

    @Test
    void planningTheSameAgainGivesTheSameIdAndWritesNothing() {
        String line = "prune --from base --task " + TASK + " --method kmeans --experts 4 --plan-only";
        String first = cli.succeed(line);
        PlanTables.Planned planned = plan(TASK, BuiltInMethods.RANDOM, 3);
        new PlanTables(warehouse).write(planned);
        // another dump makes new snapshots of the tables that the plan was made from
        RoutingFixture.task(warehouse, "superglue/rte", 5, 4);
        RoutingFixture.dump(warehouse, "base", "superglue/rte", 0);
        long plans = snapshot(UncurlTable.PLANS);
        long assignments = snapshot(UncurlTable.ASSIGNMENTS);
        assertThat(cli.succeed(line)).isEqualTo(first);
        PlanTables.Planned again = plan(TASK, BuiltInMethods.RANDOM, 3);
        new PlanTables(warehouse).write(again);
        assertThat(again.plan()).isEqualTo(planned.plan());
        assertThat(again.snapshots()).isNotEqualTo(planned.snapshots());
        assertThat(snapshot(UncurlTable.PLANS)).isEqualTo(plans);
        assertThat(snapshot(UncurlTable.ASSIGNMENTS)).isEqualTo(assignments);
    }

    private long snapshot(UncurlTable table) {
        return warehouse.iceberg(table).currentSnapshot().snapshotId();
    }

    @Test
    void aPlansRowTellsWhatDeterminedItAndHowWellItFits() {
        String out = cli.succeed("prune --from base --task " + TASK + " --method agglomerative-ward --experts 5"
                + " --weights gate-mass --budget adaptive --layers last=all --max-cluster 6 --seed 9 --plan-only");
        String id = out.substring("Plan ".length(), out.indexOf(':'));
        Row row = warehouse.rows(UncurlTable.PLANS, "plan_id", id).first();
        assertThat(List.<Object>of(
                        row.getAs("model_id"),
                        row.getAs("manifest_sha256"),
                        row.getAs("task"),
                        row.getAs("split"),
                        row.getAs("method"),
                        row.getAs("weights"),
                        row.getAs("budget"),
                        row.getAs("experts_before"),
                        row.getAs("experts_after"),
                        row.getAs("seed")))
                .containsExactly(
                        "base",
                        new Models(warehouse).open("base").manifestSha256(),
                        TASK,
                        "train",
                        "agglomerative-ward",
                        "gate-mass",
                        "adaptive",
                        EXPERTS,
                        5,
                        9L);
        assertThat(row.<String, String>getJavaMap(row.fieldIndex("parameters")))
                .containsEntry("layers", "3=12")
                .containsEntry("max-cluster", "6")
                .containsEntry("data", TASK + "@0123456789ab")
                .containsKey("evidence-sha256")
                .hasSize(4);
        assertThat(row.<String, Long>getJavaMap(row.fieldIndex("snapshots")))
                .containsOnlyKeys(UncurlTable.GRAM.id(), UncurlTable.EXPERT_STATISTICS.id());
        List<Row> layers = row.getList(row.fieldIndex("layers"));
        assertThat(layers).hasSize(2);
        assertThat(layers.get(0).<Integer>getAs("clusters")).isEqualTo(5);
        assertThat(layers.get(0).<Double>getAs("silhouette")).isBetween(-1.0, 1.0);
        assertThat(layers.get(0).<Double>getAs("predicted_cost")).isBetween(0.0, 1.5);
        assertThat(layers.get(1).<Integer>getAs("clusters")).isEqualTo(EXPERTS);
        assertThat(layers.get(1).<Double>getAs("inertia")).isZero();
        assertThat(layers.get(1).<Double>getAs("predicted_cost")).isZero();
        assertThat(out)
                .contains("layer 1: 5 of 12 experts, inertia ")
                .contains("layer 3: 12 of 12 experts, inertia 0.000, silhouette 0.000, predicted cost 0.0000")
                .contains("{0*} {1*} {2*}");
        assertThat(warehouse
                        .rows(UncurlTable.ASSIGNMENTS, "plan_id", id, "layer", 1)
                        .selectExpr("max(cluster)")
                        .first())
                .hasToString("[4]");
    }

    @Test
    void oneClusterHasNoSilhouetteAndCostsAll() {
        PlanTables.Planned planned = plan(TASK, BuiltInMethods.UNCURL, 1);
        new PlanTables(warehouse).write(planned);
        Row row = warehouse
                .rows(UncurlTable.PLANS, "plan_id", planned.plan().id())
                .selectExpr("layers[0].silhouette", "layers[0].predicted_cost", "layers[0].inertia")
                .first();
        assertThat(row.isNullAt(0)).isTrue();
        assertThat(row.getDouble(1)).isCloseTo(1, within(1e-9));
        LayerScore score = planned.scores().get(0);
        assertThat(row.getDouble(2)).isEqualTo(score.inertia());
    }

    @Test
    void theQueryOfTheReadmeTellsEveryLayerOfEveryPlan() throws IOException {
        new PlanTables(warehouse).write(plan(TASK, BuiltInMethods.SPECTRAL, 6));
        String readme = Files.readString(Path.of("../schemas/README.md"));
        String query = readme.substring(readme.indexOf("SELECT method, weights, budget"));
        query = query.substring(0, query.indexOf("```"))
                .replace("demo-base", "base")
                .replace("superglue/boolq", TASK);
        List<Row> rows = warehouse.spark().sql(query).collectAsList();
        assertThat(rows).hasSize(2 * (int) warehouse.table(UncurlTable.PLANS).count());
        assertThat(rows).anyMatch(row -> row.getString(0).equals("spectral") && row.getInt(5) == 6);
    }

    @Test
    void hcSmoeAsksForTheOutputsOfTheExpertsAndPlansWithThem() {
        String line = "prune --from base --task " + TASK + " --method hc-smoe --experts 4 --plan-only";
        Cli.Outcome outcome = cli.run(line.split(" "));
        assertThat(outcome.code()).isEqualTo(3);
        assertThat(outcome.err()).contains("Layer 1").contains("dump-logits").contains("--outputs N");
        cli.succeed("dump-logits --model base --task " + TASK + " --outputs 200");
        String withOutputs = cli.succeed(line);
        assertThat(withOutputs).contains("hc-smoe, 12 -> 4");
        // the outputs have no part in plans of methods that do not read them
        assertThat(plan(TASK, BuiltInMethods.UNCURL, 4).snapshots()).doesNotContainKey(UncurlTable.OUTPUT_GRAM.id());
        assertThat(plan(TASK, BuiltInMethods.HC_SMOE, 4).snapshots()).containsKey(UncurlTable.OUTPUT_GRAM.id());
    }

    @Test
    void whatTheTablesCannotMeanIsRefusedWithLayerAndRow() {
        RoutingFixture.task(warehouse, "superglue/cb", 6, 5);
        String rows = " WHERE model_id = 'base' AND task = 'superglue/cb' AND layer = 3";
        assertRefused("There are no router logits", "superglue/cb", TASK);
        damage("UPDATE routing.gram SET gram = transform(gram, (x, i) -> if(i = 25, double('NaN'), x))" + rows);
        assertRefused("Layer 3 of routing.gram", "superglue/cb", "entry (2, 1) = NaN");
        damage("UPDATE routing.expert_statistics SET gate_mass = double('Infinity')" + rows + " AND expert = 5");
        assertRefused("Layer 3 of routing.expert_statistics", "gate_mass of expert 5 is Infinity");
        damage("UPDATE routing.expert_statistics SET tokens = tokens + 1" + rows + " AND expert = 5");
        assertRefused("routing.expert_statistics", "layer 3", "routing.gram implies");
        damage("DELETE FROM routing.expert_statistics" + rows + " AND expert = 5");
        assertRefused("has 11 experts", "layer 3");
        damage("UPDATE routing.gram SET experts = 3, gram = slice(gram, 1, 9)" + rows);
        assertRefused("Layer 3", "the row has 3 experts, the model has 12");
        damage("UPDATE routing.gram SET manifest_sha256 = 'other'" + rows);
        assertRefused("manifest other", "dump-logits --model base --task superglue/cb");
        damage("DELETE FROM routing.gram" + rows);
        assertRefused("no row for layer 3", "dump-logits");
    }

    /** A sound dump with one statement on top. */
    private void damage(String statement) {
        for (String table : List.of("routing.gram", "routing.logits", "routing.expert_statistics")) {
            warehouse.spark().sql("DELETE FROM " + table + " WHERE model_id = 'base' AND task = 'superglue/cb'");
        }
        RoutingFixture.dump(warehouse, "base", "superglue/cb", 0);
        warehouse.spark().sql(statement);
    }

    private void assertRefused(String... parts) {
        assertThatThrownBy(() -> plan("superglue/cb", BuiltInMethods.UNCURL, 4))
                .isInstanceOf(UserError.class)
                .hasMessageContainingAll(parts);
    }

    @Test
    void verifyNamesTheRowAndLayerOfALogitThatIsNoNumber() {
        RoutingFixture.task(warehouse, "superglue/wic", 4, 6);
        RoutingFixture.dump(warehouse, "base", "superglue/wic", 0);
        warehouse
                .spark()
                .sql("UPDATE routing.logits SET logits = transform(logits, (x, i) -> if(i = 2, float('NaN'), x))"
                        + " WHERE task = 'superglue/wic' AND layer = 3 AND sequence_id = 2 AND position = 1");
        Cli.Outcome outcome = cli.run("verify", "--model", "base", "--task", "superglue/wic");
        assertThat(outcome.code()).isEqualTo(3);
        assertThat(outcome.err())
                .contains("Layer 3, sequence 2, position 1 of routing.logits")
                .contains("expert 2 is NaN");
    }

    @Test
    void misspeltNamesAreRefusedBeforeAWarehouseIsMade(@TempDir Path folder) {
        var nowhere = new Cli(folder.resolve("warehouse"));
        for (String wrong : List.of("kmean", "kmeans --weights gate", "kmeans --budget fair", "kmeans --router mop")) {
            String line = "prune --from base --task " + TASK + " --plan-only --experts 4 --method " + wrong;
            assertThat(nowhere.run(line.split(" ")).code()).as(wrong).isEqualTo(2);
        }
        assertThat(nowhere.folder()).doesNotExist();
    }

    @Test
    void optionsThatCannotBeMetAreRefusedAndTheHelpListsTheMethods() {
        String line = "prune --from base --task " + TASK + " --plan-only --experts 4 --method ";
        for (String[] wrong : new String[][] {
            {"kmean", "Did you mean kmeans?"},
            {"kmeans --weights gate", "Valid: frequency, gate-mass"},
            {"kmeans --budget fair", "Valid: uniform, adaptive"},
            {"kmeans --layers 2=3", "layer 2 has no experts"},
            {"kmeans --layers 1=13", "K = 13"},
            {"kmeans --layers 1=some", "some is not a number"},
            {"kmeans --max-cluster 2", "do not fit into 4 clusters"}
        }) {
            Cli.Outcome outcome = cli.run((line + wrong[0]).split(" "));
            assertThat(outcome.code()).as(wrong[0]).isEqualTo(2);
            assertThat(outcome.err()).contains(wrong[1]);
        }
        assertThat(cli.run("prune", "--help").out().replaceAll("\\s+", ""))
                .contains(BuiltInMethods.ids())
                .contains("reference-only")
                .contains("adaptive");
    }
}
