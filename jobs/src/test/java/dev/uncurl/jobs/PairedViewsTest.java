package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.jobs.routing.RoutingFixture;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.statistics.PairedSample;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import scala.collection.JavaConverters;

/** The views of pairs of models, where the cookbook's questions do not reach: passages, plans, missing dumps. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PairedViewsTest {
    private static final String TASK = "superglue/multirc";
    private static final int EXAMPLES = 80;

    private Warehouse warehouse;
    private final double[][] right = new double[2][EXAMPLES];
    private final double[][] loss = new double[2][EXAMPLES];
    private final double[] tokens = new double[EXAMPLES];
    private final String[] passages = new String[EXAMPLES];

    @BeforeAll
    void scoreParentPrunedAndPlan(@TempDir Path folder) {
        warehouse = new Cli(folder.resolve("warehouse")).open();
        registered("parent", "p", null, Map.of());
        registered("pruned", "c", "parent", Map.of("parent", "p"));
        registered("orphan", "o", "parent", Map.of("parent", "an earlier parent"));
        RoutingFixture.append(
                warehouse,
                UncurlTable.PLANS,
                List.of(Map.of("plan_id", "plan", "model_id", "parent", "manifest_sha256", "p", "task", TASK)));
        var random = new Random(5);
        for (int i = 0; i < EXAMPLES; i++) {
            passages[i] = i % 4 == 0 ? null : "passage " + random.nextInt(12);
            tokens[i] = 1 + random.nextInt(30);
            for (int m = 0; m < 2; m++) {
                right[m][i] = random.nextInt(3) > 0 ? 1 : 0;
                loss[m][i] = tokens[i] * (2 + random.nextDouble());
            }
        }
        scored("parent", "p", 0, null, 0);
        scored("pruned", "c", 1, null, 0);
        scored("orphan", "o", 1, null, 1);
        scored("parent+plan-zero", "p", 1, "plan", 0);
        routed("parent", 0);
        routed("pruned", 1);
    }

    private void registered(String id, String sha256, String parent, Map<String, String> inputs) {
        var row = new HashMap<String, Object>(
                Map.of("model_id", id, "manifest_sha256", sha256, "inputs", JavaConverters.mapAsScalaMap(inputs)));
        if (parent != null) {
            row.put("parent_model_id", parent);
        }
        RoutingFixture.append(warehouse, UncurlTable.REGISTRY, List.of(row));
    }

    private void scored(String id, String sha256, int m, String plan, int moreTokens) {
        var rows = new ArrayList<Map<String, Object>>();
        for (int i = 0; i < EXAMPLES; i++) {
            int prediction = (int) right[m][i];
            var row = new HashMap<String, Object>(Map.of(
                    "model_id",
                    id,
                    "task",
                    TASK,
                    "split",
                    "validation",
                    "example_id",
                    (long) i,
                    "manifest_sha256",
                    sha256,
                    "data",
                    "run",
                    "prompt_version",
                    "2.0"));
            row.putAll(Map.of(
                    "log_likelihoods",
                    new double[] {-1.0 - prediction, prediction - 2.0},
                    "prediction",
                    prediction,
                    "label",
                    1,
                    "text_loss",
                    loss[m][i],
                    "text_tokens",
                    (int) tokens[i] + moreTokens,
                    "target_loss",
                    right[m][i],
                    "target_tokens",
                    1));
            if (passages[i] != null) {
                row.put("cluster", passages[i]);
            }
            if (plan != null) {
                row.put("plan_id", plan);
            }
            rows.add(row);
        }
        RoutingFixture.append(warehouse, UncurlTable.SCORED, rows);
    }

    /** Two layers, three tokens per example, two experts per token. */
    private void routed(String id, int shift) {
        var rows = new ArrayList<Map<String, Object>>();
        for (long sequence = 0; sequence < EXAMPLES; sequence++) {
            for (int layer = 1; layer <= 3; layer += 2) {
                for (int position = 0; position < 3; position++) {
                    rows.add(Map.of(
                            "model_id", id,
                            "task", TASK,
                            "split", "validation",
                            "layer", layer,
                            "sequence_id", sequence,
                            "position", position,
                            "experts", new int[] {(position + shift) % 4, 4 + (int) sequence % 2}));
                }
            }
        }
        RoutingFixture.append(warehouse, UncurlTable.LOGITS, rows);
    }

    private List<Row> query(String sql) {
        return warehouse.sql(sql).collectAsList();
    }

    @Test
    void passagesAreTheUnitsOfTheStandardErrors() {
        long[] ids = LongStream.range(0, EXAMPLES).toArray();
        double[] ones = new double[EXAMPLES];
        Arrays.fill(ones, 1);
        PairedSample accuracy = PairedSample.of(ids, passages, ones, right);
        PairedSample text = PairedSample.of(ids, passages, tokens, loss);
        Row row = query("SELECT * FROM paired_differences WHERE model_id = 'pruned' AND against = 'parent'")
                .get(0);
        assertThat(row.<Long>getAs("n")).isEqualTo(EXAMPLES);
        assertThat(row.<Long>getAs("clusters")).isEqualTo(accuracy.units());
        assertThat(row.<Double>getAs("accuracy_difference"))
                .isCloseTo(accuracy.difference(new int[] {1}, new int[] {0}), within(1e-12));
        assertThat(row.<Double>getAs("accuracy_error")).isCloseTo(accuracy.standardError(1, 0), within(1e-9));
        assertThat(row.<Double>getAs("loss_difference"))
                .isCloseTo(text.difference(new int[] {1}, new int[] {0}), within(1e-12));
        assertThat(row.<Double>getAs("loss_error")).isCloseTo(text.standardError(1, 0), within(1e-9));
        Row reverse = query("SELECT * FROM paired_differences WHERE model_id = 'parent' AND against = 'pruned'")
                .get(0);
        assertThat(reverse.<Long>getAs("better")).isEqualTo(row.<Long>getAs("worse"));
        assertThat(reverse.<Double>getAs("loss_difference"))
                .isCloseTo(-row.<Double>getAs("loss_difference"), within(1e-12));
    }

    @Test
    void lossesOverOtherTokensAreNotCompared() {
        Row row = query("SELECT * FROM paired_differences WHERE model_id = 'orphan' AND against = 'pruned'")
                .get(0);
        assertThat(row.<Double>getAs("loss_difference")).isNull();
        assertThat(row.<Double>getAs("loss_error")).isNull();
        assertThat(row.<Double>getAs("target_loss_difference")).isZero();
        assertThat(row.<Double>getAs("accuracy_difference")).isZero();
    }

    @Test
    void modelsAndPlansFlipExamplesOfTheParentThatTheyWereMadeFrom() {
        List<Long> flipped = IntStream.range(0, EXAMPLES)
                .filter(i -> right[0][i] != right[1][i])
                .mapToObj(i -> (long) i)
                .toList();
        for (String id : List.of("pruned", "parent+plan-zero")) {
            List<Row> rows = query("SELECT * FROM flipped_examples WHERE model_id = '" + id + "' ORDER BY example_id");
            assertThat(rows).extracting(row -> row.<Long>getAs("example_id")).isEqualTo(flipped);
            for (Row row : rows) {
                boolean gained = right[1][(int) (long) row.<Long>getAs("example_id")] == 1;
                assertThat(row.<String>getAs("change")).isEqualTo(gained ? "gained" : "lost");
                assertThat(row.<Double>getAs("margin_after")).isEqualTo(gained ? 1.0 : -1.0);
                assertThat(row.<Double>getAs("margin_before")).isEqualTo(gained ? -1.0 : 1.0);
            }
        }
        assertThat(query("SELECT * FROM flipped_examples WHERE model_id = 'orphan'"))
                .as("its parent was replaced")
                .isEmpty();
    }

    @Test
    void expertsAreCountedOnBothSidesWhereBothWereDumped() {
        List<Row> rows = query("SELECT * FROM flipped_experts WHERE model_id = 'pruned' ORDER BY example_id, layer");
        assertThat(rows)
                .hasSize(2
                        * query("SELECT * FROM flipped_examples WHERE model_id = 'pruned'")
                                .size());
        for (Row row : rows) {
            int second = 4 + (int) (row.<Long>getAs("example_id") % 2);
            assertThat(row.<Integer, Long>getJavaMap(row.fieldIndex("experts_before")))
                    .isEqualTo(Map.of(0, 1L, 1, 1L, 2, 1L, second, 3L));
            assertThat(row.<Integer, Long>getJavaMap(row.fieldIndex("experts_after")))
                    .isEqualTo(Map.of(1, 1L, 2, 1L, 3, 1L, second, 3L));
        }
        assertThat(query("SELECT * FROM flipped_experts WHERE model_id = 'parent+plan-zero'"))
                .hasSameSizeAs(rows)
                .allMatch(row -> row.getAs("experts_after") == null && row.getAs("experts_before") != null);
    }
}
