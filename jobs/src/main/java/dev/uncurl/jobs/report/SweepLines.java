package dev.uncurl.jobs.report;

import dev.uncurl.jobs.report.SweepStudy.ChosenPlan;
import dev.uncurl.jobs.report.SweepStudy.Group;
import dev.uncurl.jobs.warehouse.row.PlanRow;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Lines to copy into a shell that give the numbers of a sweep's page again. */
final class SweepLines {
    private final SweepStudy study;

    SweepLines(SweepStudy study) {
        this.study = study;
    }

    /** Lines by what they give. */
    Map<String, String> lines() {
        var lines = new LinkedHashMap<String, String>();
        lines.put(
                "The sweep itself: run again, it runs what is missing",
                study.cells().get(0).command());
        lines.put("This page", command("report sweep", "--sweep", study.sweep(), "--as-of", study.asOf()));
        lines.put(
                "Every setting with its interval, letters and size: the charts and tables above",
                sql("cell_settings", ""));
        lines.put("The smallest plans that are not worse", sql("smallest_not_worse", ""));
        lines.put("Methods by K, ranked", sql("method_ranks", " ORDER BY model_id, task, metric, experts DESC, place"));
        lines.put("The largest factors within the margin", sql("threshold_factor", ""));
        lines.put("What changed since the date before", sql("sweep_changes", ""));
        lines.put("Every seed by itself", sql("sweep_results", " ORDER BY position, metric"));
        for (Group group : study.groups()) {
            study.plan(group).ifPresent(plan -> plan(lines, group, plan));
        }
        return lines;
    }

    private void plan(Map<String, String> lines, Group group, ChosenPlan chosen) {
        PlanRow plan = chosen.plan();
        String router = chosen.setting().router().orElseThrow();
        if (group.recipe().isEmpty()) {
            var words = new ArrayList<String>(List.of("--model", group.modelId(), "--task", group.task()));
            words.addAll(List.of("--split", group.split()));
            limit(chosen).ifPresent(limit -> words.addAll(List.of("--limit", limit)));
            words.addAll(List.of("--plan", plan.planId(), "--router", router, "--against", group.modelId()));
            lines.put(
                    "The plan for " + group.name() + ", scored and compared by hand",
                    command("evaluate", words.toArray(String[]::new)));
        }
        lines.put(
                "The model of the plan for " + group.name(),
                command("prune", pruned(group, plan, router).toArray(String[]::new)));
    }

    private static List<String> pruned(Group group, PlanRow plan, String router) {
        var words = new ArrayList<String>(List.of("--from", group.modelId(), "--task", plan.task()));
        words.addAll(List.of("--split", plan.split(), "--method", plan.method()));
        words.addAll(List.of("--weights", plan.weights(), "--budget", plan.budget()));
        words.addAll(List.of("--experts", Integer.toString(plan.expertsAfter())));
        words.addAll(List.of("--seed", Long.toString(plan.seed()), "--router", router));
        for (String option : List.of("layers", "max-cluster")) {
            if (plan.parameters().containsKey(option)) {
                words.addAll(List.of("--" + option, plan.parameters().get(option)));
            }
        }
        words.addAll(List.of("--model", group.modelId() + "-" + plan.method() + "-" + plan.expertsAfter() + "e"));
        return words;
    }

    /** The limit of the evaluation, as its data name it: "flan@0123 first 200 in all". */
    private static java.util.Optional<String> limit(ChosenPlan chosen) {
        String data = chosen.setting().data();
        int at = data.indexOf(" first ");
        return at < 0
                ? java.util.Optional.empty()
                : java.util.Optional.of(data.substring(at + " first ".length()).split(" ")[0]);
    }

    private String sql(String view, String order) {
        return command(
                "sql",
                "SELECT * FROM " + view + " WHERE sweep = " + NextSteps.text(study.sweep()) + " AND as_of = "
                        + NextSteps.text(study.asOf()) + order);
    }

    /** @param name of the command, written as it is; the other words are quoted where the shell would change them */
    private String command(String name, String... words) {
        return NextSteps.command(study.warehouse(), name, words);
    }
}
