package dev.uncurl.jobs.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

class StudyPageTest {
    private static final Pattern WHISKER = Pattern.compile("M([\\d.]+) [\\d.]+H([\\d.]+)M.*");

    private final Study study = Studies.study(Studies.BASE, Studies.TASK);
    private final byte[] page = new StudyPage(study).toBytes();
    private final HtmlTables html = HtmlTables.of(page);

    @Test
    void theTableHasTheNumbersOfEveryRow() {
        StoredComparison before = study.tasks().get(0).before().orElseThrow();
        List<List<HtmlTables.Cell>> table = html.rows("loss_per_token against demo-base, flan");
        List<String> head = table.get(0).stream().map(HtmlTables.Cell::text).toList();
        assertThat(head)
                .startsWith("method", "K", "difference", "95% interval", "letters", "value")
                .doesNotContain("p (Holm)");
        assertThat(table).hasSize(1 + before.rows().size());
        for (int i = 0; i < before.rows().size(); i++) {
            Compared row = before.rows().get(i);
            List<String> cells =
                    table.get(1 + i).stream().map(HtmlTables.Cell::text).toList();
            assertThat(table.get(1 + i).get(0).title()).isEqualTo(row.subject());
            assertThat(Double.parseDouble(cells.get(head.indexOf("value")).split(" ")[0]))
                    .isCloseTo(row.value(), within(0.000501));
            assertThat(cells.get(head.indexOf("letters"))).isEqualTo(row.lettersOrNone());
            if (!row.isBaseline()) {
                String[] interval = cells.get(head.indexOf("95% interval")).split(" to ");
                assertThat(Double.parseDouble(cells.get(head.indexOf("difference"))))
                        .isCloseTo(row.difference(), within(0.000501));
                assertThat(Double.parseDouble(interval[0])).isCloseTo(row.low(), within(0.000501));
                assertThat(Double.parseDouble(interval[1])).isCloseTo(row.high(), within(0.000501));
                assertThat(cells.get(head.indexOf("K")))
                        .isEqualTo(row.experts().orElseThrow().toString());
            }
        }
    }

    /** The places of the ticks are the scale by which a reader reads the whiskers. */
    @Test
    void whiskersEndWhereTheTicksPutTheirInterval() {
        StoredComparison before = study.tasks().get(0).before().orElseThrow();
        var panels = new ArrayList<>(before.byExperts("loss_per_token").values());
        List<Element> charts = charts("loss_per_token, K = ");
        assertThat(charts).hasSize(3 + 1); // and one after finetuning
        for (int p = 0; p < panels.size(); p++) {
            double[] scale = scale(charts.get(p));
            List<Matcher> whiskers = elements(charts.get(p), "path").stream()
                    .filter(path -> path.getAttribute("class").equals("whisker"))
                    .map(path -> WHISKER.matcher(path.getAttribute("d")))
                    .filter(Matcher::matches)
                    .toList();
            assertThat(whiskers).hasSameSizeAs(panels.get(p));
            for (int i = 0; i < whiskers.size(); i++) {
                Compared row = panels.get(p).get(i);
                double low = Double.parseDouble(whiskers.get(i).group(1));
                double high = Double.parseDouble(whiskers.get(i).group(2));
                assertThat(scale[0] + scale[1] * low).isCloseTo(row.low(), within(0.001));
                assertThat(scale[0] + scale[1] * high).isCloseTo(row.high(), within(0.001));
                assertThat(low).isBetween(0.0, (double) IntervalChart.WIDTH);
                assertThat(high).isBetween(0.0, (double) IntervalChart.WIDTH);
            }
        }
    }

    /** Value at 0 and value per unit of x, from the outermost ticks. */
    private static double[] scale(Element chart) {
        List<Element> ticks = elements(chart, "text").stream()
                .filter(text -> text.getAttribute("class").equals("tick"))
                .toList();
        Element first = ticks.get(0);
        Element last = ticks.get(ticks.size() - 1);
        double from = Double.parseDouble(first.getAttribute("x"));
        double slope = (Double.parseDouble(last.getTextContent()) - Double.parseDouble(first.getTextContent()))
                / (Double.parseDouble(last.getAttribute("x")) - from);
        return new double[] {Double.parseDouble(first.getTextContent()) - slope * from, slope};
    }

    private List<Element> charts(String label) {
        return html.all("svg").stream()
                .filter(svg -> svg.getAttribute("aria-label").startsWith(label))
                .toList();
    }

    private static List<Element> elements(Element parent, String name) {
        NodeList found = parent.getElementsByTagName(name);
        var elements = new ArrayList<Element>();
        for (int i = 0; i < found.getLength(); i++) {
            elements.add((Element) found.item(i));
        }
        return elements;
    }

    @Test
    void everyChartIsAlsoThereInWords() {
        for (Element svg : html.all("svg")) {
            boolean key = svg.getAttribute("aria-hidden").equals("true");
            assertThat(svg.getAttribute("role")).isEqualTo(key ? "" : "img");
            assertThat(svg.getAttribute("aria-label").isEmpty()).isEqualTo(key);
        }
        assertThat(charts("loss_per_token, K = 4").get(0).getAttribute("aria-label"))
                .contains("uncurl (map): -0.004, 95% from -0.010 to +0.002, within noise")
                .contains("random (mask, 3 seeds): +0.052, 95% from +0.028 to +0.076, worse");
        assertThat(charts("demo-pretrained").get(0).getAttribute("aria-label"))
                .contains("over 500,000 tokens", "(dashed) 6.88");
        for (Element cell : html.all("th")) {
            assertThat(cell.getAttribute("scope")).isIn("col", "row");
        }
    }

    @Test
    void verdictsDifferInFormAndNotOnlyInColour() {
        Map<String, String> forms = new HashMap<>();
        for (Element key : html.all("span")) {
            if (List.of("better", "noise", "worse").contains(key.getAttribute("class"))) {
                String path = elements(key, "path").get(0).getAttribute("d");
                assertThat(forms.putIfAbsent(key.getAttribute("class"), path)).isIn(null, path);
            }
        }
        assertThat(forms).hasSize(3);
        assertThat(forms.values()).doesNotHaveDuplicates();
    }

    @Test
    void whatSharesALetterIsSaidAndAccuraciesOfConstantPredictorsAreFlagged() {
        assertThat(html.text())
                .contains("Within noise does not mean equal")
                .contains("K = 4: 2 within noise, 3 worse; K = 2: 5 worse; K = 1: 5 worse")
                .contains("Not separated from each other, so not ranked: a: uncurl (map), m-smoe (map)")
                .contains("The same for acc, flan after finetuning");
        List<List<HtmlTables.Cell>> accuracies = html.rows("acc against demo-base-flan, flan after finetuning");
        int value =
                accuracies.get(0).stream().map(HtmlTables.Cell::text).toList().indexOf("value");
        assertThat(accuracies.stream().skip(1))
                .hasSize(3)
                .allMatch(row -> row.get(value).text().endsWith("constant"));
    }

    @Test
    void settingsThatWereComparedTwiceStandBesideEachOther() {
        List<List<HtmlTables.Cell>> rows =
                html.rows("Before and after finetuning, loss_per_token, flan against demo-base-flan");
        assertThat(rows.stream()
                        .map(row -> row.stream().map(HtmlTables.Cell::text).toList()))
                .contains(
                        List.of("uncurl (map)", "2", "+0.021", "+0.012 to +0.030", "+0.006", "-0.001 to +0.013"),
                        List.of("random (mask)", "2", "+0.131", "+0.090 to +0.172", "+0.031", "+0.022 to +0.040"))
                .hasSize(4);
    }

    @Test
    void panelsShareAnAxisUnlessOneWouldBeTooNarrowToRead() {
        List<Compared> wide = List.of(Studies.difference("loss_per_token", 0.9, 1.1));
        List<Compared> half = List.of(Studies.difference("loss_per_token", 0.4, 0.5));
        List<Compared> narrow = List.of(Studies.difference("loss_per_token", -0.001, 0.002));
        assertThat(ComparisonSection.sharedAxis(List.of(wide, half))).isPresent();
        assertThat(ComparisonSection.sharedAxis(List.of(wide, narrow))).isEmpty();
    }

    @Test
    void aLongRunIsDrawnInAFewHundredPointsWithTheSameMean() {
        LossCurve curve = Studies.curve("long", 10_000, OptionalDouble.empty());
        assertThat(curve.training()).hasSizeLessThanOrEqualTo(LossCurve.POINTS);
        double mean =
                curve.rows().stream().mapToDouble(row -> row.loss()).average().orElseThrow();
        assertThat(curve.training().stream()
                        .mapToDouble(LossCurve.Point::loss)
                        .average()
                        .orElseThrow())
                .isCloseTo(mean, within(0.01));
        assertThat(Studies.curve("one", 1, OptionalDouble.empty()).training()).hasSize(1);
    }

    @Test
    void namesAreTextAndNothingComesFromOutside() {
        String hostile = "<script>alert('1')</script>\"&<img src=\"http://example.org/x\">";
        HtmlTables parsed = HtmlTables.of(new StudyPage(Studies.study("m" + hostile, "t" + hostile)).toBytes());
        assertThat(parsed.names()).doesNotContain("script", "img", "link", "iframe", "object", "use", "image");
        assertThat(parsed.attributes()).doesNotContain("src", "href", "onload", "onclick");
        assertThat(parsed.text()).contains("What pruning m" + hostile + " costs");
        assertThat(new String(page, StandardCharsets.UTF_8))
                .doesNotContain("://", "url(", "@import")
                .startsWith("<!DOCTYPE html>");
    }

    @Test
    void aStudyOfOneComparisonAndNoRoutingIsAPageToo() {
        var bare = new Study(
                study.model(),
                "train",
                List.of(),
                study.models(),
                List.of(new Study.Task(
                        "t",
                        "Data: x",
                        Optional.empty(),
                        List.of(Studies.after(Studies.TUNED, "t")),
                        Optional.empty(),
                        "")),
                Optional.of("my warehouse"));
        HtmlTables parsed = HtmlTables.of(new StudyPage(bare).toBytes());
        assertThat(parsed.text())
                .doesNotContain("Routing of", "Before and after")
                .contains("jobs/submit report --warehouse \"my warehouse\" --task t");
        assertThat(parsed.all("pre")).hasSize(4);
    }

    @Test
    void bashReadsAQuotedWordBackAsItWas() throws Exception {
        for (String word : List.of("flan", "a b", "it's", "a\"b", "$HOME", "`ls`", "a\\b", "x'y\"z $(id) \\", "")) {
            Process bash = new ProcessBuilder("bash", "-c", "printf %s " + NextSteps.quoted(word)).start();
            assertThat(new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                    .isEqualTo(word);
        }
    }

    @Test
    void textAndPointsStandOutInLightAndDark() {
        List<Map<String, String>> themes = new ArrayList<>();
        Matcher root = Pattern.compile(":root \\{([^}]*)}").matcher(html.text());
        while (root.find()) {
            var colours = new HashMap<String, String>();
            Matcher colour = Pattern.compile("--(\\w+): #(\\w{6});").matcher(root.group(1));
            while (colour.find()) {
                colours.put(colour.group(1), colour.group(2));
            }
            themes.add(colours);
        }
        assertThat(themes).hasSize(2);
        for (Map<String, String> theme : themes) {
            for (String paper : List.of("page", "head", "bar")) {
                assertThat(contrast(theme.get("text"), theme.get(paper))).isGreaterThanOrEqualTo(7);
            }
            assertThat(contrast(theme.get("soft"), theme.get("page"))).isGreaterThanOrEqualTo(4.5);
            for (String point : List.of("better", "noise", "worse", "focus")) {
                assertThat(contrast(theme.get(point), theme.get("page")))
                        .as(point)
                        .isGreaterThanOrEqualTo(3);
            }
        }
    }

    private static double contrast(String one, String other) {
        double a = RoutingPageTest.luminance(one);
        double b = RoutingPageTest.luminance(other);
        return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    }
}
