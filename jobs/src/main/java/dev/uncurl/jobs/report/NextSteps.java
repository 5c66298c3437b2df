package dev.uncurl.jobs.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Lines to copy into a shell that lead on from a study. */
final class NextSteps {
    private final Study study;

    NextSteps(Study study) {
        this.study = study;
    }

    /** Lines by what they answer. */
    Map<String, String> lines() {
        var lines = new LinkedHashMap<String, String>();
        String model = study.model().modelId();
        for (Study.Task task : study.tasks()) {
            String name = task.name();
            lines.put(
                    "All numbers of the comparisons on " + name,
                    sql(
                            "SELECT against, subject, method, router, experts, metric, value, difference, low, high, letters"
                                    + " FROM evaluation.comparisons WHERE task = " + text(name) + " AND split = "
                                    + text(study.split()) + " ORDER BY against, metric, experts DESC, difference"));
            lines.put(
                    "Which experts each plan for " + name + " puts together (cluster -1: dropped)",
                    sql(
                            "SELECT method, experts_after, seed, layer, cluster, sort_array(collect_list(expert)) AS experts"
                                    + " FROM pruning.assignments WHERE model_id = " + text(model) + " AND task = "
                                    + text(name)
                                    + " GROUP BY ALL ORDER BY method, experts_after DESC, seed, layer, cluster"));
            lines.put(
                    "How evenly the routers spread the tokens of " + name,
                    sql("SELECT split, layer, max_over_mean, dead_experts, relative_entropy FROM load_imbalance"
                            + " WHERE model_id = " + text(model) + " AND task = " + text(name)
                            + " ORDER BY split, layer"));
            lines.put("The comparisons on " + name + " as text", command("report", "--task", name));
            if (task.routing().isPresent()) {
                lines.put(
                        "The same routing as a page of its own; give a second --task to compare",
                        command("report routing", "--model", model, "--task", name, "--split", task.routingSplit()));
            }
            worthMaking(task)
                    .ifPresent(row -> lines.put(
                            "Make a model of one of these settings, so that it can be finetuned",
                            command(
                                    "prune",
                                    "--from",
                                    model,
                                    "--task",
                                    name,
                                    "--method",
                                    row.method().orElseThrow(),
                                    "--experts",
                                    Integer.toString(row.experts().orElseThrow()),
                                    "--model",
                                    model + "-" + row.method().orElseThrow() + "-"
                                            + row.experts().orElseThrow() + "e")));
        }
        for (LossCurve curve : study.curves()) {
            lines.put(
                    "The loss of " + curve.run() + ", step by step",
                    sql(
                            "SELECT step, tokens, loss, validation_loss, grad_norm, lr FROM training.metrics WHERE run_id = "
                                    + text(curve.run()) + " ORDER BY step"));
        }
        return lines;
    }

    /** By the first metric: the smallest K that is not worse than the model, else the first row of the table. */
    private static Optional<Compared> worthMaking(Study.Task task) {
        return task.before().flatMap(comparison -> {
            List<Compared> rows = comparison.of(comparison.metrics().get(0)).stream()
                    .filter(row -> row.method().isPresent() && row.experts().isPresent() && !row.isBaseline())
                    .toList();
            return rows.stream()
                    .filter(row -> row.verdict() != Verdict.WORSE)
                    .min(Comparator.comparing(row -> row.experts().orElseThrow()))
                    .or(() -> rows.stream().findFirst());
        });
    }

    private String sql(String statement) {
        return command("sql", statement);
    }

    private String command(String name, String... words) {
        return command(study.warehouse(), name, words);
    }

    /**
     * @param warehouse the folder, if it is not the default
     * @param name of the command, written as it is; the other words are quoted where the shell would change them
     */
    static String command(Optional<String> warehouse, String name, String... words) {
        var line = new ArrayList<String>(List.of("jobs/submit", name));
        warehouse.ifPresent(folder -> line.addAll(List.of("--warehouse", quoted(folder))));
        for (String word : words) {
            line.add(quoted(word));
        }
        return String.join(" ", line);
    }

    /** A word as bash reads it back. */
    static String quoted(String word) {
        if (word.matches("[\\w./:@%+=,-]+")) {
            return word;
        }
        return "\"" + word.replaceAll("([\\\\\"$`])", "\\\\$1") + "\"";
    }

    /** A text in SQL. */
    static String text(String value) {
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'";
    }
}
