package dev.uncurl.jobs.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.routing.LayerRouting;
import dev.uncurl.routing.TaskOverlap;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RoutingPageTest {
    private static final List<String> TASKS = List.of("superglue/boolq", "superglue/rte");

    private final List<TaskRouting> tasks = RoutingPages.tasks(8, 3, TASKS);
    private final HtmlTables tables =
            HtmlTables.of(RoutingPages.page("base", 8, 3, TASKS).toBytes());

    @Test
    void sharesAreThoseOfTheLayersToTheirDigitsAndInFullInTheTooltip() {
        for (TaskRouting task : tasks) {
            List<List<HtmlTables.Cell>> rows = tables.rows("Share by expert and layer, percent, " + task.name());
            assertThat(rows).hasSize(1 + 8);
            assertThat(rows.get(0))
                    .extracting(HtmlTables.Cell::text)
                    .containsExactly("expert", "layer 1", "layer 3", "layer 5");
            for (int expert = 0; expert < 8; expert++) {
                assertThat(rows.get(1 + expert).get(0).text()).isEqualTo(Integer.toString(expert));
                for (int l = 0; l < 3; l++) {
                    LayerRouting layer = task.layers().get(l);
                    HtmlTables.Cell cell = rows.get(1 + expert).get(1 + l);
                    assertThat(Double.parseDouble(cell.text())).isCloseTo(100 * layer.share(expert), within(0.0501));
                    assertThat(cell.title()).contains(": " + layer.share(expert) + " of the choices");
                }
            }
        }
    }

    @Test
    void darkerCellsAreLargerOnTheScaleOfAllTasks() {
        var cells = new ArrayList<HtmlTables.Cell>();
        for (String task : TASKS) {
            tables.rows("Share by expert and layer, percent, " + task).stream()
                    .skip(1)
                    .forEach(row -> cells.addAll(row.subList(1, row.size())));
        }
        cells.sort(java.util.Comparator.comparingDouble(cell -> Double.parseDouble(cell.text())));
        assertThat(cells)
                .extracting(HtmlTables.Cell::step)
                .isSorted()
                .startsWith(0)
                .endsWith(HeatMap.STEPS - 1);
    }

    @Test
    void imbalanceAndOverlapAreThoseOfTheLayers() {
        for (TaskRouting task : tasks) {
            List<List<HtmlTables.Cell>> rows = tables.rows("Imbalance by layer, " + task.name());
            for (int l = 0; l < 3; l++) {
                LayerRouting layer = task.layers().get(l);
                List<HtmlTables.Cell> row = rows.get(1 + l);
                assertThat(Double.parseDouble(row.get(1).text())).isCloseTo(layer.maxOverMean(), within(0.00501));
                assertThat(Double.parseDouble(row.get(2).text())).isCloseTo(layer.relativeEntropy(), within(0.000501));
                assertThat(row.get(3).text()).isEqualTo("2");
            }
        }
        List<List<HtmlTables.Cell>> rows = tables.rows("Overlap of superglue/boolq and superglue/rte");
        for (int l = 0; l < 3; l++) {
            var overlap = new TaskOverlap(
                    tasks.get(0).layers().get(l), tasks.get(1).layers().get(l));
            List<HtmlTables.Cell> row = rows.get(1 + l);
            assertThat(Double.parseDouble(row.get(1).text()))
                    .isCloseTo(overlap.jensenShannonDistance(), within(0.00501));
            assertThat(Double.parseDouble(row.get(2).text()))
                    .isCloseTo(overlap.rankCorrelation().orElseThrow(), within(0.00501));
            assertThat(row.get(3).text()).isEqualTo(overlap.commonOfTop(2) + " of 2");
            assertThat(row.get(4).text()).isEqualTo(overlap.commonOfTop(4) + " of 4");
        }
    }

    @Test
    void everyPairOfExpertsHasItsDistanceWhereItsRowAndColumnSay() {
        for (TaskRouting task : tasks) {
            for (LayerRouting layer : task.layers()) {
                List<List<HtmlTables.Cell>> rows =
                        tables.rows("Distances, layer " + layer.layer() + ", " + task.name());
                List<Integer> order = rows.get(0).stream()
                        .skip(1)
                        .map(cell -> Integer.valueOf(cell.text()))
                        .toList();
                assertThat(order)
                        .containsExactlyInAnyOrderElementsOf(
                                IntStream.range(0, 8).boxed().toList());
                double[][] distances = layer.distances();
                for (int i = 0; i < 8; i++) {
                    List<HtmlTables.Cell> row = rows.get(1 + i);
                    assertThat(row.get(0).text()).isEqualTo(order.get(i).toString());
                    for (int j = 0; j < 8; j++) {
                        String text = row.get(1 + j).text();
                        if (i == j) {
                            assertThat(text).isEqualTo("0");
                        } else {
                            assertThat(Double.parseDouble(text))
                                    .isCloseTo(distances[order.get(i)][order.get(j)], within(0.00501));
                        }
                    }
                }
            }
        }
    }

    @Test
    void alikeExpertsStandBesideEachOther() {
        // RoutingPages makes three groups: e * 7 mod 3
        for (TaskRouting task : tasks) {
            for (LayerRouting layer : task.layers()) {
                List<Integer> groups =
                        tables.rows("Distances, layer " + layer.layer() + ", " + task.name()).get(0).stream()
                                .skip(1)
                                .map(cell -> Integer.parseInt(cell.text()) * 7 % 3)
                                .toList();
                long changes = IntStream.range(1, 8)
                        .filter(i -> !groups.get(i).equals(groups.get(i - 1)))
                        .count();
                assertThat(changes).as(groups.toString()).isEqualTo(2);
            }
        }
    }

    @Test
    void namesAreTextAndNothingComesFromOutside() {
        String hostile = "<script>alert('1')</script>\"&<img src=\"http://example.org/x\">";
        byte[] page = RoutingPages.page("m" + hostile, 4, 1, List.of("a" + hostile, "b" + hostile))
                .toBytes();
        HtmlTables parsed = HtmlTables.of(page);
        assertThat(parsed.names()).doesNotContain("script", "img", "link", "iframe", "object");
        assertThat(parsed.attributes()).doesNotContain("src", "href", "onload", "onclick");
        assertThat(parsed.text()).contains("Routing of m" + hostile);
        assertThat(parsed.rows("Overlap of a" + hostile + " and b" + hostile)).hasSize(2);
        String own = new String(RoutingPages.page("base", 4, 1, TASKS).toBytes(), StandardCharsets.UTF_8);
        assertThat(own).doesNotContain("://", "url(", "@import").startsWith("<!DOCTYPE html>");
    }

    @Test
    void oneTaskHasNoOverlapAndOneExpertNoPairs() {
        HtmlTables single =
                HtmlTables.of(RoutingPages.page("base", 1, 1, List.of("a")).toBytes());
        assertThat(single.text()).contains("There is one expert.").doesNotContain("Overlap");
    }

    @Test
    void lightnessAloneOrdersTheShadesAndTextStandsOutOnEach() {
        Matcher rules = Pattern.compile("\\.v(\\d) \\{ background: #(\\w{6}); color: #(\\w{6}); }")
                .matcher(tables.text());
        double before = 2;
        int steps = 0;
        while (rules.find()) {
            assertThat(Integer.parseInt(rules.group(1))).isEqualTo(steps++);
            double background = luminance(rules.group(2));
            double text = luminance(rules.group(3));
            assertThat(background).isLessThan(before - 0.01);
            before = background;
            double contrast = (Math.max(background, text) + 0.05) / (Math.min(background, text) + 0.05);
            assertThat(contrast).as(rules.group()).isGreaterThanOrEqualTo(4.5);
        }
        assertThat(steps).isEqualTo(HeatMap.STEPS);
    }

    /** Relative luminance as WCAG 2 defines it. */
    static double luminance(String colour) {
        double[] weights = {0.2126, 0.7152, 0.0722};
        double sum = 0;
        for (int i = 0; i < 3; i++) {
            double channel = Integer.parseInt(colour.substring(2 * i, 2 * i + 2), 16) / 255.0;
            sum += weights[i] * (channel <= 0.04045 ? channel / 12.92 : Math.pow((channel + 0.055) / 1.055, 2.4));
        }
        return sum;
    }
}
