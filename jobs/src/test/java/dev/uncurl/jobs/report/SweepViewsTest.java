package dev.uncurl.jobs.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.routing.RoutingFixture;
import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.CellRow;
import dev.uncurl.jobs.warehouse.row.ComparisonRow;
import dev.uncurl.jobs.warehouse.row.RegistryRow;
import dev.uncurl.model.ModelSize;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeLayer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** The views of sweeps over made-up cells of two dates, each against plain loops, and the page that is made of them. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SweepViewsTest {
    private static final String FIRST = SweptWarehouse.FIRST;
    private static final String SECOND = SweptWarehouse.SECOND;
    private static final double MARGIN = 0.03;

    private Path folder;
    private Cli cli;
    private Warehouse warehouse;
    private List<Row> settings;
    private String secondReport;

    @BeforeAll
    void sweepTwice(@TempDir Path temporary) {
        folder = temporary;
        cli = new Cli(folder.resolve("warehouse"));
        warehouse = SweptWarehouse.fill(cli.folder());
        String line = "report sweep --sweep s --margin " + MARGIN + " --out ";
        cli.succeed(line + folder.resolve("first.html") + " --as-of " + FIRST);
        secondReport = cli.succeed(line + folder.resolve("second.html"));
        settings = query("SELECT * FROM cell_settings ORDER BY as_of, position, metric");
    }

    private List<Row> query(String sql) {
        return warehouse.sql(sql).collectAsList();
    }

    private List<CellRow> done() {
        return Records.read(warehouse.table(UncurlTable.CELLS), CellRow.class).stream()
                .filter(cell -> cell.state().equals("done"))
                .toList();
    }

    /** Coordinates of a setting, as text. */
    private static String key(Row row, String... columns) {
        return List.of(columns).stream()
                .map(column -> String.valueOf(row.<Object>getAs(column)))
                .collect(Collectors.joining("|"));
    }

    private static String group(Row row) {
        return key(row, "as_of", "model_id", "recipe", "metric");
    }

    private static double cost(Row row) {
        double difference = row.<Double>getAs("difference");
        return row.<Boolean>getAs("lower_is_better") ? difference : -difference;
    }

    private Row setting(String date, String metric, String models) {
        return settings.stream()
                .filter(row -> row.getAs("as_of").equals(date)
                        && row.getAs("metric").equals(metric)
                        && row.getAs("model_id").equals(models.startsWith("wide") ? "wide" : "base")
                        && row.<String>getList(row.fieldIndex("models")).contains(models))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void eachSettingHasTheMeanOfItsCellsAndTheDifferenceFromTheUnprunedModel() {
        Map<String, Double> value =
                Records.read(warehouse.table(UncurlTable.RESULTS), dev.uncurl.jobs.warehouse.row.ResultRow.class)
                        .stream()
                        .collect(Collectors.toMap(row -> row.modelId() + " " + row.metric(), row -> row.value()));
        Map<String, List<String>> naive = new TreeMap<>();
        for (CellRow cell : done()) {
            boolean scratch = cell.role().equals("scratch");
            List<String> pruned = scratch
                    ? cell.asOf().equals(SECOND) ? List.of("base", "wide") : List.of("base")
                    : List.of(cell.modelId());
            for (String model : pruned) {
                String key = String.join(
                        "|",
                        cell.asOf(),
                        model,
                        cell.recipe().orElse("null"),
                        cell.role(),
                        cell.planTask().orElse("null"),
                        cell.method().orElse("null"),
                        cell.budget().orElse("null"),
                        cell.expertsAfter().orElse(cell.expertsBefore()).toString());
                naive.computeIfAbsent(key, none -> new ArrayList<>())
                        .add(cell.resultsId().orElseThrow());
            }
        }
        assertThat(settings).hasSize(2 * naive.size());
        for (Row row : settings) {
            List<String> models = naive.get(
                    key(row, "as_of", "model_id", "recipe", "role", "plan_task", "method", "budget", "experts"));
            assertThat(row.<String>getList(row.fieldIndex("models")))
                    .containsExactlyElementsOf(models.stream().sorted().toList());
            assertThat(row.<Long>getAs("seeds")).isEqualTo(models.size());
            String metric = row.getAs("metric");
            double mean = models.stream()
                    .mapToDouble(model -> value.get(model + " " + metric))
                    .average()
                    .orElseThrow();
            List<String> parents = row.isNullAt(row.fieldIndex("recipe"))
                    ? List.of(row.<String>getAs("model_id"))
                    : List.of("base-tuned-1", "base-tuned-2");
            double parent = parents.stream()
                    .mapToDouble(model -> value.get(model + " " + metric))
                    .average()
                    .orElseThrow();
            assertThat(row.<Double>getAs("value")).isCloseTo(mean, within(1e-12));
            assertThat(row.<Double>getAs("difference")).isCloseTo(mean - parent, within(1e-9));
        }
    }

    @Test
    void intervalsAndLettersAreThoseOfTheStoredComparisonOfTheSameModels() {
        List<ComparisonRow> stored = Records.read(warehouse.table(UncurlTable.COMPARISONS), ComparisonRow.class);
        for (Row row : settings) {
            ComparisonRow compared = stored.stream()
                    .filter(one -> one.comparisonId().equals(row.getAs("comparison_id"))
                            && one.metric().equals(row.getAs("metric"))
                            && one.models().stream()
                                    .sorted()
                                    .toList()
                                    .equals(row.<String>getList(row.fieldIndex("models"))))
                    .findFirst()
                    .orElseThrow();
            assertThat(row.<Double>getAs("low")).isEqualTo(compared.low());
            assertThat(row.<Double>getAs("high")).isEqualTo(compared.high());
            assertThat(row.<String>getAs("letters")).isEqualTo(compared.letters());
            assertThat(row.<Boolean>getAs("not_worse"))
                    .isEqualTo(row.getAs("role").equals("parent") || worst(row) < MARGIN);
            assertThat(compared.seeds()).isEqualTo((int) (long) row.<Long>getAs("seeds"));
        }
        assertThat(settings.stream().map(row -> key(row, "as_of", "model_id", "recipe", "comparison_id")))
                .as("one comparison for each group, the finetuned ones apart")
                .satisfies(keys -> assertThat(keys.stream().distinct()).hasSize(5));
        assertThat(setting(SECOND, "loss_per_token", "base-u4-tuned-1").<String>getAs("recipe"))
                .isEqualTo("tune");
    }

    private static double worst(Row row) {
        return row.<Boolean>getAs("lower_is_better") ? row.<Double>getAs("high") : -row.<Double>getAs("low");
    }

    @Test
    void aPlanThatWasOnlyScoredHasTheSizeOfTheModelThatItWouldMake() {
        ModelConfig base = RoutingFixture.config(8, 2);
        RegistryRow registered = Records.read(
                        warehouse.rows(UncurlTable.REGISTRY, "model_id", "base"), RegistryRow.class)
                .get(0);
        long mapped = size(base, Map.of(1, new MoeLayer(4, rows(4)), 3, new MoeLayer(4, rows(4))));
        assertThat(setting(FIRST, "acc", "base+u41a").<Long>getAs("parameters")).isEqualTo(mapped);
        assertThat(setting(FIRST, "acc", "base+f4").<Long>getAs("parameters"))
                .as("a masked router keeps its rows, too")
                .isEqualTo(mapped);
        long adaptive = size(base, Map.of(1, new MoeLayer(5), 3, new MoeLayer(3)));
        Row row = setting(FIRST, "acc", "base+a4");
        assertThat(row.<Long>getAs("parameters")).isEqualTo(adaptive);
        assertThat(row.<Long>getAs("bytes")).isEqualTo(registered.bytes() - 4 * (registered.parameters() - adaptive));
        assertThat(setting(FIRST, "acc", "base").<Long>getAs("bytes")).isEqualTo(registered.bytes());
    }

    private static List<Integer> rows(int clusters) {
        return IntStream.range(0, 8).mapToObj(row -> row % clusters).toList();
    }

    private static long size(ModelConfig config, Map<Integer, MoeLayer> layers) {
        return ModelSize.parameters(config.withMoeLayers(new TreeMap<>(layers)));
    }

    @Test
    void timesAreThoseOfTheLargestBatchOfARunThatTimedTheUnprunedModelToo() {
        assertThat(setting(SECOND, "acc", "base").<Double>getAs("latency_ratio"))
                .isEqualTo(1.0);
        assertThat(setting(SECOND, "acc", "scratch-4").<Double>getAs("latency_ratio"))
                .isCloseTo(0.6, within(1e-12));
        assertThat(setting(SECOND, "acc", "base+f4").<Double>getAs("latency_ratio"))
                .isNull();
    }

    @Test
    void dominatedIsWhatAnotherSettingBeatsInSizeOrQuality() {
        for (Row row : settings) {
            boolean dominated = settings.stream()
                    .filter(other -> group(other).equals(group(row)))
                    .anyMatch(other -> {
                        long bytes = other.<Long>getAs("bytes");
                        long own = row.<Long>getAs("bytes");
                        return bytes <= own && cost(other) <= cost(row) && (bytes < own || cost(other) < cost(row));
                    });
            assertThat(row.<Boolean>getAs("dominated")).as(row.toString()).isEqualTo(dominated);
        }
        List<Row> frontier = query("SELECT * FROM sweep_frontier WHERE on_frontier");
        assertThat(frontier).hasSize((int) settings.stream()
                .filter(row -> !row.<Boolean>getAs("dominated"))
                .count());
    }

    @Test
    void theSmallestPlanIsTheFirstThatPassesOfThoseInTheOrderOfTheirSize() {
        List<Row> rows = query("SELECT * FROM smallest_not_worse");
        assertThat(rows).hasSize((int)
                settings.stream().map(SweepViewsTest::group).distinct().count());
        for (Row row : rows) {
            Optional<Row> naive = settings.stream()
                    .filter(one -> group(one).equals(group(row)))
                    .filter(one -> one.getAs("role").equals("method") && one.<Boolean>getAs("not_worse"))
                    .min(Comparator.comparingLong((Row one) -> one.<Long>getAs("bytes"))
                            .thenComparingDouble(SweepViewsTest::cost));
            assertThat(row.<Boolean>getAs("compared")).isTrue();
            assertThat(row.<Object>getAs("models"))
                    .isEqualTo(naive.map(one -> one.<Object>getAs("models")).orElse(null));
            assertThat(row.<Integer>getAs("experts"))
                    .isEqualTo(naive.map(one -> one.<Integer>getAs("experts")).orElse(null));
        }
        Row losses = rows.stream()
                .filter(row -> group(row).equals(FIRST + "|base|null|loss_per_token"))
                .findFirst()
                .orElseThrow();
        assertThat(List.of(losses.getAs("method"), losses.getAs("experts"))).isEqualTo(List.of("uncurl", 4));
    }

    @Test
    void theThresholdIsTheLargestFactorThatPasses() {
        List<Row> rows = query("SELECT * FROM threshold_factor");
        for (Row row : rows) {
            String[] columns = {"as_of", "model_id", "recipe", "metric", "method", "budget", "router"};
            double factor = 1;
            double next = Double.POSITIVE_INFINITY;
            Row nextRow = null;
            List<Row> tried = settings.stream()
                    .filter(one -> one.getAs("role").equals("method")
                            && key(one, columns).equals(key(row, columns)))
                    .toList();
            for (Row one : tried) {
                if (one.<Boolean>getAs("not_worse")) {
                    factor = Math.max(factor, factor(one));
                }
            }
            for (Row one : tried) {
                if (factor(one) > factor && factor(one) < next) {
                    next = factor(one);
                    nextRow = one;
                }
            }
            assertThat(row.<Double>getAs("factor")).isEqualTo(factor);
            assertThat(Objects.requireNonNullElse(row.<Double>getAs("next_factor"), Double.POSITIVE_INFINITY))
                    .isEqualTo(next);
            if (nextRow != null) {
                boolean loss = nextRow.<Boolean>getAs("lower_is_better");
                assertThat(row.<Boolean>getAs("exceeded_there"))
                        .isEqualTo(
                                loss ? nextRow.<Double>getAs("low") > MARGIN : nextRow.<Double>getAs("high") < -MARGIN);
            }
        }
        assertThat(rows.stream()
                        .filter(row -> key(row, "as_of", "model_id", "metric").equals(SECOND + "|wide|loss_per_token")))
                .singleElement()
                .satisfies(row -> assertThat(key(row, "factor", "next_factor", "exceeded_there"))
                        .isEqualTo("4.0|8.0|true"));
    }

    private static double factor(Row row) {
        return row.<Integer>getAs("experts_before") / (double) row.<Integer>getAs("experts");
    }

    @Test
    void methodsAreRankedAmongThoseWithTheSameK() {
        List<Row> rows = query("SELECT * FROM method_ranks");
        assertThat(rows).hasSize((int) settings.stream()
                .filter(row -> !row.getAs("role").equals("parent"))
                .count());
        for (Row row : rows) {
            boolean loss = row.getAs("metric").equals("loss_per_token");
            long better = rows.stream()
                    .filter(other -> group(other).equals(group(row))
                            && other.getAs("experts").equals(row.getAs("experts")))
                    .filter(other -> loss
                            ? other.<Double>getAs("value") < row.<Double>getAs("value")
                            : other.<Double>getAs("value") > row.<Double>getAs("value"))
                    .count();
            assertThat(row.<Integer>getAs("place")).isEqualTo((int) better + 1);
        }
    }

    @Test
    void whatChangedIsWhatLeftTheFrontierOrTheInterval() {
        List<Row> rows = query("SELECT * FROM sweep_changes WHERE model_id = 'base' AND metric = 'loss_per_token'");
        assertThat(rows)
                .allMatch(row -> row.getAs("as_of").equals(SECOND)
                        && row.getAs("previous").equals(FIRST));
        assertThat(rows.stream().map(row -> key(row, "method", "experts", "budget", "recipe", "change")))
                .contains("uncurl|4|uniform|null|worse", "frequency|2|uniform|null|better")
                .contains("frequency|2|uniform|null|new on the frontier", "uncurl|2|uniform|null|off the frontier");
        String[] columns = {"model_id", "recipe", "metric", "role", "plan_task", "method", "budget", "experts", "router"
        };
        long naive = 0;
        for (Row now : settings) {
            if (!now.getAs("as_of").equals(SECOND) || !now.getAs("model_id").equals("base")) {
                continue;
            }
            Row before = settings.stream()
                    .filter(one -> one.getAs("as_of").equals(FIRST)
                            && key(one, columns).equals(key(now, columns)))
                    .findFirst()
                    .orElseThrow();
            boolean was = !before.<Boolean>getAs("dominated");
            boolean is = !now.<Boolean>getAs("dominated");
            String end = now.getAs("role").equals("parent") ? "value_" : "";
            naive += is != was && (was || !now.getAs("role").equals("parent")) ? 1 : 0;
            naive += now.<Double>getAs(end + "low") > before.<Double>getAs(end + "high")
                            || now.<Double>getAs(end + "high") < before.<Double>getAs(end + "low")
                    ? 1
                    : 0;
        }
        assertThat(query("SELECT * FROM sweep_changes WHERE model_id = 'base'")).hasSize((int) naive);
    }

    @Test
    void theSameModelsAreComparedOnce() {
        assertThat(secondReport.split("is there already: reused", -1))
                .as("what was finetuned is the same on both dates")
                .hasSize(1 + 1);
        long ids = warehouse
                .table(UncurlTable.COMPARISONS)
                .select("comparison_id")
                .distinct()
                .count();
        assertThat(ids).isEqualTo(4);
    }

    @Test
    void thePageAnswersAndShowsWhatFailed() throws IOException {
        HtmlTables page = HtmlTables.of(Files.readAllBytes(folder.resolve("second.html")));
        assertThat(page.text())
                .contains("1 failed (see Failures)")
                .contains("base on superglue/boolq, by loss_per_token: the smallest plan that is not worse")
                .contains("Since 2026-11-24.")
                .contains("The 8 experts of layer 1 do not fit: see <there>");
        assertThat(page.rows("Largest factor within the margin, superglue/boolq, loss_per_token").get(0).stream()
                        .map(HtmlTables.Cell::text))
                .containsExactly("setting", "E = 8 (base)", "E = 16 (wide)");
        assertThat(page.rows("Plan, base on superglue/boolq")).hasSize(1 + 2);
        assertThat(page.rows("Calibration, base on superglue/boolq (train), K = 4"))
                .hasSizeBetween(5, 7);
        page = HtmlTables.of(Files.readAllBytes(folder.resolve("first.html")));
        assertThat(page.text()).contains("This is the first date of the sweep.");
    }

    @Test
    void aSweepThatIsNotThereIsRefusedWithThoseThatAre() {
        for (String[] refusal : new String[][] {
            {"report sweep --sweep x", "3", "Known sweeps: s."},
            {"report sweep --sweep s --as-of 2026-01-01", "3", "one of 2026-11-24, 2026-11-25"},
            {"report sweep --sweep s --as-of today", "2", "Write it as 2026-11-25"},
            {"report sweep --sweep s --margin -1", "2", "--margin"}
        }) {
            Cli.Outcome outcome = cli.run((refusal[0] + " --out " + folder.resolve("never.html")).split(" "));
            assertThat(outcome.code()).as(outcome.err()).isEqualTo(Integer.parseInt(refusal[1]));
            assertThat(outcome.err()).contains(refusal[2]);
        }
        assertThat(folder.resolve("never.html")).doesNotExist();
    }
}
