package dev.uncurl.jobs.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.jobs.Uncurl;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

class SweepPageTest {
    private static final Pattern WHISKER = Pattern.compile("M([\\d.]+) ([\\d.]+)V([\\d.]+)");

    private final SweepStudy study = SweepStudies.study("nightly", "base", "flan");
    private final byte[] page = new SweepPage(study).toBytes();
    private final HtmlTables html = HtmlTables.of(page);

    private static List<Element> elements(Element parent, String name, String className) {
        NodeList found = parent.getElementsByTagName(name);
        var elements = new ArrayList<Element>();
        for (int i = 0; i < found.getLength(); i++) {
            Element element = (Element) found.item(i);
            if (List.of(element.getAttribute("class").split(" ")).contains(className)) {
                elements.add(element);
            }
        }
        return elements;
    }

    private Element chart(String label) {
        return html.all("svg").stream()
                .filter(svg -> svg.getAttribute("aria-label").startsWith(label))
                .findFirst()
                .orElseThrow();
    }

    private List<SettingRow> losses() {
        return study.of(study.groups().get(0), "loss_per_token");
    }

    /** The places of the ticks are the scale by which a reader reads the whiskers. */
    @Test
    void whiskersOfTheFrontierEndWhereTheTicksPutTheirInterval() {
        Element chart = chart("loss_per_token against MB, base-8e on flan");
        List<Element> ticks = elements(chart, "text", "tick").stream()
                .filter(text -> text.getAttribute("text-anchor").equals("end"))
                .toList();
        double y0 = Double.parseDouble(ticks.get(0).getAttribute("y")) - 4;
        double v0 = Double.parseDouble(ticks.get(0).getTextContent());
        double slope = (Double.parseDouble(ticks.get(1).getTextContent()) - v0)
                / (Double.parseDouble(ticks.get(1).getAttribute("y")) - 4 - y0);
        List<Element> points = elements(chart, "g", "spot");
        assertThat(points).hasSize(losses().size());
        double highest = losses().stream()
                .filter(row -> row.is(SettingName.METHOD))
                .mapToDouble(row -> row.high().orElseThrow())
                .max()
                .orElseThrow();
        assertThat(elements(chart, "g", "spot").stream()
                        .filter(one -> one.getTextContent().contains("\u2191")))
                .as("the controls beyond the axis, which is that of the methods")
                .hasSize(2);
        for (SettingRow row : losses()) {
            if (row.high().orElseThrow() > highest) {
                continue;
            }
            String name = row.name() + ", K = " + row.experts().orElseThrow();
            Element point = points.stream()
                    .filter(one -> one.getElementsByTagName("title")
                            .item(0)
                            .getTextContent()
                            .startsWith(name + ","))
                    .findFirst()
                    .orElseThrow();
            Matcher whisker =
                    WHISKER.matcher(elements(point, "path", "whisker").get(0).getAttribute("d"));
            assertThat(whisker.matches()).isTrue();
            assertThat(v0 + slope * (Double.parseDouble(whisker.group(2)) - y0))
                    .isCloseTo(row.low().orElseThrow(), within(0.001));
            assertThat(v0 + slope * (Double.parseDouble(whisker.group(3)) - y0))
                    .isCloseTo(row.high().orElseThrow(), within(0.001));
            assertThat(Double.parseDouble(whisker.group(1))).isBetween(0.0, (double) FrontierChart.WIDTH);
            boolean onFrontier = !row.dominated().orElseThrow();
            assertThat(point.getAttribute("tabindex")).isEqualTo(onFrontier ? "0" : "");
            assertThat(elements(point, "text", "number")).hasSize(onFrontier ? 1 : 0);
        }
    }

    @Test
    void theTableBehindTheChartHasEverySetting() {
        List<List<HtmlTables.Cell>> table = html.rows("Settings, base-8e on flan");
        List<String> head = table.get(0).stream().map(HtmlTables.Cell::text).toList();
        assertThat(table).hasSize(1 + losses().size());
        for (int i = 0; i < losses().size(); i++) {
            SettingRow row = losses().get(i);
            List<String> cells =
                    table.get(1 + i).stream().map(HtmlTables.Cell::text).toList();
            assertThat(cells.get(0)).isEqualTo(row.name());
            assertThat(Double.parseDouble(cells.get(head.indexOf("difference"))))
                    .isCloseTo(row.difference().orElseThrow(), within(0.000501));
            assertThat(Double.parseDouble(cells.get(head.indexOf("MB"))))
                    .isCloseTo(row.bytes().orElseThrow() / 1e6, within(0.00501));
            assertThat(cells.get(head.indexOf("letters")))
                    .isEqualTo(row.letters().orElseThrow());
            assertThat(table.get(1 + i).get(0).title()).isEqualTo(row.models().get(0));
        }
    }

    @Test
    void theHeatMapHasTheLettersAndControlsSayWhatIsSeparated() {
        List<List<HtmlTables.Cell>> map = html.rows("Methods by K, base-8e on flan");
        assertThat(map.get(0).stream().map(HtmlTables.Cell::text)).containsExactly("setting", "K = 4", "K = 2");
        assertThat(map.get(1).stream().map(HtmlTables.Cell::text))
                .containsExactly("uncurl (map)", "-0.004 a", "+0.021 b");
        assertThat(map.stream().map(row -> row.get(0).text()))
                .contains("uncurl, plan of another-task (map)", "random (mask)", "trained from scratch");
        List<List<HtmlTables.Cell>> controls = html.rows("Controls, base-8e on flan");
        assertThat(controls.get(1).stream().map(HtmlTables.Cell::text))
                .containsExactly("uncurl (map)", "4", "-0.004", "+0.031 *", "+0.052 *", "+0.210 *");
        assertThat(html.text())
                .contains("The plan of the other task costs more than the method in 1 of 1 cases")
                .contains("A random choice costs more than the method in 5 of 6 cases, less in 0; in 1 they are not");
    }

    @Test
    void theAnswerTheThresholdsAndThePlanAreInWords() {
        assertThat(html.text())
                .contains(
                        "base-8e on flan, by loss_per_token: the smallest plan that is not worse than the unpruned model by"
                                + " more than 0.010 is uncurl (map) with K = 4 of 8 experts: -0.004 (-0.010 to +0.002), at 63% of the"
                                + " bytes.")
                .contains("base-16e on flan, by loss_per_token: nothing was compared");
        assertThat(html.rows("Largest factor within the margin, flan, loss_per_token").stream()
                        .map(row -> row.stream().map(HtmlTables.Cell::text).toList()))
                .containsExactly(
                        List.of("setting", "E = 8 (base-8e)", "E = 16 (base-16e)"),
                        List.of("uncurl (map)", "2 (4 open)", "4 (8 open)"),
                        List.of("frequency (mask)", "1 (2 too much)", "1 (2 too much)"),
                        List.of("any method", "2", "4"));
        assertThat(html.rows("Plan, base-8e on flan").get(1).stream().map(HtmlTables.Cell::text))
                .containsExactly("1", "8", "4", "0.31", "0.120", "0+4, 1+5, 2+6, 3+7", "");
        assertThat(html.rows("Failed cells").get(1).stream().map(HtmlTables.Cell::text))
                .containsExactly("uncurl, max-cluster=2 (map)", "1", "1", "base-8e", "flan", "1", "No <K>");
    }

    @Test
    void everyLineIsACommandWithOptionsThatItHas() throws IOException {
        var lines = new SweepLines(study).lines();
        assertThat(lines).hasSizeGreaterThanOrEqualTo(10);
        for (String line : lines.values()) {
            Process bash = new ProcessBuilder("bash", "-c", "printf '%s\\n' " + line).start();
            List<String> words = new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .toList();
            assertThat(words.get(0)).isEqualTo("jobs/submit");
            String[] arguments = words.subList(1, words.size()).toArray(String[]::new);
            assertThat(Uncurl.commandLine().parseArgs(arguments).hasSubcommand())
                    .as(line)
                    .isTrue();
        }
        assertThat(lines.values()).anyMatch(line -> line.contains("--limit 200 --plan 0123456789abcdef --router map"));
    }

    @Test
    void namesAreTextAndNothingComesFromOutside() {
        String hostile = "<script>alert('1')</script>\"&<img src=\"http://example.org/x\">";
        HtmlTables parsed =
                HtmlTables.of(new SweepPage(SweepStudies.study("s" + hostile, "m" + hostile, "t" + hostile)).toBytes());
        assertThat(parsed.names()).doesNotContain("script", "img", "link", "iframe", "object", "use", "image");
        assertThat(parsed.attributes()).doesNotContain("src", "href", "onload", "onclick");
        assertThat(parsed.text()).contains("Sweep s" + hostile + " of 2026-11-26");
        assertThat(new String(page, StandardCharsets.UTF_8))
                .doesNotContain("://", "url(", "@import")
                .startsWith("<!DOCTYPE html>");
    }

    @Test
    void aSweepThatOnlyFailedIsAPageToo() {
        var bare = new SweepStudy(
                study.sweep(),
                study.asOf(),
                study.cells(),
                List.of(),
                List.of(),
                List.of(),
                Optional.empty(),
                List.of(),
                List.of(),
                List.of(),
                Optional.of("my warehouse"));
        HtmlTables parsed = HtmlTables.of(new SweepPage(bare).toBytes());
        assertThat(parsed.text())
                .contains("1 of 2 cells are done, 1 failed (see Failures); 2.5 minutes")
                .contains("jobs/submit report sweep --warehouse \"my warehouse\" --sweep nightly --as-of 2026-11-26")
                .doesNotContain("How far one can prune", "How many tokens");
    }
}
