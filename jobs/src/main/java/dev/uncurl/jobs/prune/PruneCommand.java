package dev.uncurl.jobs.prune;

import dev.uncurl.checkpoint.Lineage;
import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.corpus.Split;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cli.OnOff;
import dev.uncurl.jobs.cli.RecordedCommand;
import dev.uncurl.jobs.cli.WarehouseOptions;
import dev.uncurl.jobs.output.Digits;
import dev.uncurl.jobs.warehouse.Backend;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.PathName;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.spec.DType;
import dev.uncurl.pruning.BuiltInMethods;
import dev.uncurl.pruning.LayerScore;
import dev.uncurl.pruning.MergeOptions;
import dev.uncurl.pruning.Plan;
import dev.uncurl.pruning.PlanSettings;
import dev.uncurl.pruning.RouterRule;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code jobs/submit prune --from demo-base --task superglue/boolq --method uncurl --experts 4 --model demo-uncurl}. */
@Command(
        name = "prune",
        description =
                "Decides from the router logits of a task which experts to merge or drop, and makes the pruned model.",
        footer = {
            "",
            "  jobs/submit prune --from demo-base --task superglue/boolq --method uncurl --experts 4 --model demo-uncurl"
        })
public final class PruneCommand implements Callable<Integer> {
    @Mixin
    private WarehouseOptions warehouseOptions;

    @Mixin
    private PlanOptions planOptions;

    @Option(names = "--from", paramLabel = "ID", required = true, description = "Model to prune.")
    private String parentId;

    @Option(names = "--task", paramLabel = "TASK", required = true, description = "Task whose router logits are used.")
    private String task;

    @Option(
            names = "--split",
            defaultValue = "train",
            description = "Split of the logits, train or validation (default: ${DEFAULT-VALUE}).")
    private Split split;

    @Option(
            names = "--router",
            paramLabel = "RULE",
            description =
                    "How the routers are computed. For methods that merge: map (the default) keeps all rows and maps"
                            + " them to the merged experts; collapse makes one row per cluster, the mean of its rows. For methods"
                            + " that drop: mask (the default) keeps all rows, never chooses dropped ones, and does not change"
                            + " gates; slice removes the rows of dropped experts.")
    private String router;

    @Option(
            names = "--align",
            paramLabel = "on|off",
            defaultValue = "on",
            description = "Align the neurons of experts before they are merged (default: ${DEFAULT-VALUE}).")
    private OnOff align;

    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            defaultValue = "f32",
            completionCandidates = PlanOptions.DTypes.class,
            description = "Storage type of the pruned model's weights: ${COMPLETION-CANDIDATES} (default:"
                    + " ${DEFAULT-VALUE}). bf16 halves the size; each value is rounded to the nearest, ties to"
                    + " even.")
    private String dtype;

    @Option(names = "--model", paramLabel = "ID", description = "Name of the pruned model.")
    private String modelId;

    @Option(names = "--plan-only", description = "Write and print the plan, but make no model.")
    private boolean planOnly;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        if (!planOnly && modelId == null) {
            throw UserError.usage("prune needs a name for the pruned model", "Add --model ID, or --plan-only.");
        }
        if (planOnly && modelId != null) {
            throw UserError.usage("--plan-only makes no model, so --model has no effect", "Leave one of them out.");
        }
        planOptions.check();
        if (modelId != null) {
            PathName.plain("model", modelId);
        }
        BuiltInMethods chosen = planOptions.method();
        RouterRule rule = router == null ? RouterRule.of(chosen) : RouterRule.named(router, chosen);
        var options = new MergeOptions(rule, align == OnOff.ON, DType.named(dtype));
        Warehouse warehouse = warehouseOptions.open();
        var models = new Models(warehouse);
        if (modelId != null) {
            models.requireOtherThanCase(modelId);
        }
        ModelFolder parent = models.open(parentId);
        PlanSettings settings = planOptions.settings(parent.config());
        String method = settings.method().id();
        warehouse.describe("plan " + method + " of " + parentId);
        var tables = new PlanTables(warehouse);
        PlanTables.Planned planned = tables.plan(parent, parentId, task, split.label(), settings);
        tables.write(planned);
        Plan plan = planned.plan();
        print(planned);
        if (planOnly) {
            return 0;
        }
        SortedMap<String, String> inputs = new PruneInputs(parent.manifestSha256(), plan.id(), task, options)
                .write(settings, parent.manifest().lineage().tokenizer());
        try (var lock = warehouse.lock("model", modelId)) {
            if (!models.isMade(modelId, inputs)) {
                ModelFolder model = new ApplyPlanJob(warehouse)
                        .apply(
                                parent,
                                plan,
                                options,
                                modelId,
                                Lineage.here(parentId, "prune", inputs, RecordedCommand.of(spec), Backend.name()));
                System.out.printf(
                        Locale.ROOT,
                        "Model %s: %,d of %,d parameters, %,d bytes; router rule %s%n",
                        modelId,
                        model.layout().length(),
                        parent.layout().length(),
                        model.bytes(),
                        rule.id());
            }
            return 0;
        } catch (IOException e) {
            throw new UncheckedIOException("writing model " + modelId, e);
        }
    }

    private static void print(PlanTables.Planned planned) {
        Plan plan = planned.plan();
        Plan.Origin origin = plan.origin();
        System.out.println("Plan " + plan.id() + ": " + origin.method() + ", " + origin.experts() + " -> "
                + origin.keep() + " experts per layer");
        for (LayerScore score : planned.scores()) {
            System.out.printf(
                    Locale.ROOT,
                    "  layer %d: %d of %d experts, inertia %.4g, silhouette %s, predicted cost %s%n    %s%n",
                    score.layer(),
                    score.clusters(),
                    score.experts(),
                    score.inertia(),
                    score.silhouette().isPresent()
                            ? Digits.fixed(score.silhouette().getAsDouble(), 3)
                            : "-",
                    Digits.of(score.cost()),
                    clusters(plan, score.layer()));
        }
    }

    /** The members of each cluster; a star marks the reference expert: {@code {0 3*} {1*} ...}. */
    private static String clusters(Plan plan, int layer) {
        var clusters = new ArrayList<String>();
        for (int cluster = 0; cluster < plan.clusters(layer); cluster++) {
            List<String> members = plan.members(layer, cluster).stream()
                    .map(member -> member.expert() + (member.isReference() ? "*" : ""))
                    .toList();
            clusters.add("{" + String.join(" ", members) + "}");
        }
        List<String> dropped = plan.layer(layer).stream()
                .filter(row -> row.isDropped())
                .map(row -> Integer.toString(row.expert()))
                .toList();
        return String.join(" ", clusters) + (dropped.isEmpty() ? "" : "  dropped: " + String.join(" ", dropped));
    }
}
