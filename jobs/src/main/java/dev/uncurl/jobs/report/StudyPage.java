package dev.uncurl.jobs.report;

import dev.uncurl.jobs.output.Digits;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** A {@link Study} as one HTML page: what was trained, what pruning costs, the routing, and how to go on. */
final class StudyPage {
    private final Study study;
    private final String modelId;
    private Markup page;

    StudyPage(Study study) {
        this.study = study;
        this.modelId = study.model().modelId();
    }

    byte[] toBytes() {
        String title = "What pruning " + modelId + " costs";
        return HtmlPage.of(title, markup -> {
            page = markup;
            page.element("h1", title);
            summary();
            trained();
            study.tasks().forEach(this::task);
            goOn();
        });
    }

    private void summary() {
        page.open("ul");
        for (Study.Task task : study.tasks()) {
            task.before().ifPresent(comparison -> counted("Pruned for " + task.name(), comparison));
            task.after().forEach(comparison -> counted("Pruned for " + task.name() + " and finetuned", comparison));
        }
        page.close();
        page.element(
                "p",
                "Within noise does not mean equal: the examples were too few, or the differences too small, to tell. All"
                        + " intervals are over examples (and over seeds, where a setting has several), not over training"
                        + " runs.");
    }

    private void counted(String what, StoredComparison comparison) {
        page.element(
                "li",
                what + ", against " + comparison.against() + " by "
                        + comparison.metrics().get(0) + ": " + ComparisonSection.count(comparison) + ".");
    }

    private void trained() {
        page.element("h2", "What was trained");
        if (!study.curves().isEmpty()) {
            page.open("div", "class", "beside charts");
            for (LossCurve curve : study.curves()) {
                page.open("section").element("h3", curve.run());
                curve.draw(page);
                page.element("p", curve.summary()).close();
            }
            page.close();
        }
        HeatMap.open(
                page,
                "Models",
                "model",
                List.of("stage", "made from", "for", "experts", "parameters", "used by one token", "MB"),
                false);
        for (StudiedModel model : study.models()) {
            page.open("tr").element("th", model.modelId(), "scope", "row");
            page.element("td", model.stage());
            page.element("td", model.parentModelId().orElse(""));
            page.element("td", model.inputs().getOrDefault("task", ""));
            page.element("td", model.experts().map(String::valueOf).orElse(""));
            page.element("td", String.format(Locale.ROOT, "%,d", model.parameters()));
            page.element("td", String.format(Locale.ROOT, "%,d", model.activeParameters()));
            page.element("td", Digits.fixed(model.bytes() / 1e6, 1)).close();
        }
        HeatMap.close(page);
    }

    private void task(Study.Task task) {
        int experts = study.model().experts().orElse(0);
        page.element("h2", "Pruned for " + task.name());
        page.element("p", task.data() + ", split " + study.split() + ".");
        task.before().ifPresent(comparison -> {
            older(comparison);
            new ComparisonSection(page, comparison, experts).draw(task.name());
        });
        for (StoredComparison comparison : task.after()) {
            page.element("h2", "After finetuning: pruned for " + task.name() + ", against " + comparison.against());
            page.element("p", "The pruned models and the unpruned one, after the same finetuning.");
            older(comparison);
            new ComparisonSection(page, comparison, experts)
                    .draw(task.name() + " after finetuning"
                            + (task.after().size() > 1 ? ", " + comparison.against() : ""));
            task.before().ifPresent(before -> beforeAndAfter(task, before, comparison));
        }
        task.routing().ifPresent(routing -> {
            page.element("h2", "Routing of " + modelId + " on " + task.name());
            page.element("p", routing.summary(task.routingSplit()));
            new RoutingMaps(page, "h3", List.of(routing)).draw();
        });
    }

    private void older(StoredComparison comparison) {
        if (comparison.older() > 0) {
            page.element(
                    "p",
                    "This is the newest comparison with " + comparison.against() + "; the table has "
                            + comparison.older() + " older.");
        }
    }

    /** Settings that were compared both before and after finetuning, by the first metric that both have. */
    private void beforeAndAfter(Study.Task task, StoredComparison before, StoredComparison after) {
        Optional<String> common =
                after.metrics().stream().filter(before.metrics()::contains).findFirst();
        if (common.isEmpty()) {
            return;
        }
        Map<List<Object>, Compared> first = new HashMap<>();
        before.of(common.get()).forEach(row -> first.putIfAbsent(key(row), row));
        var both = new ArrayList<Compared>();
        after.of(common.get()).stream()
                .filter(row -> !row.isBaseline() && row.method().isPresent() && first.containsKey(key(row)))
                .forEach(both::add);
        if (both.isEmpty()) {
            return;
        }
        HeatMap.open(
                page,
                "Before and after finetuning, " + common.get() + ", " + task.name() + " against " + after.against(),
                "method",
                List.of("K", "difference before", "95% interval", "difference after", "95% interval after"),
                false);
        for (Compared row : both) {
            page.open("tr")
                    .element(
                            "th",
                            row.method().orElseThrow()
                                    + row.router()
                                            .map(rule -> " (" + rule + ")")
                                            .orElse(""),
                            "scope",
                            "row");
            page.element("td", row.experts().map(String::valueOf).orElse(""));
            difference(first.get(key(row)));
            difference(row);
            page.close();
        }
        HeatMap.close(page);
    }

    private static List<Object> key(Compared row) {
        return List.of(row.method(), row.router(), row.experts(), row.subject().endsWith("-unaligned"));
    }

    private void difference(Compared row) {
        page.element("td", IntervalChart.signed(row.difference()));
        page.element("td", IntervalChart.signed(row.low()) + " to " + IntervalChart.signed(row.high()));
    }

    private void goOn() {
        page.element("h2", "Go on");
        page.element("p", "Lines for a shell in the folder of the checkout. One click selects a whole line.");
        page.open("dl");
        new NextSteps(study).lines().forEach((what, line) -> {
            page.element("dt", what).open("dd").open("pre", "tabindex", "0", "aria-label", what);
            page.element("code", line).close().close();
        });
        page.close();
    }
}
