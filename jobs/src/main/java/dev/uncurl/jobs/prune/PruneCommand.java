package dev.uncurl.jobs.prune;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.corpus.Split;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cli.OnOff;
import dev.uncurl.jobs.cli.RecordedCommand;
import dev.uncurl.jobs.cli.WarehouseOptions;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.PathName;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.spec.DType;
import dev.uncurl.pruning.BuiltInMethods;
import dev.uncurl.pruning.MergeOptions;
import dev.uncurl.pruning.Plan;
import dev.uncurl.pruning.PlanSettings;
import dev.uncurl.pruning.RouterRule;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code jobs/submit prune --from demo-base --task superglue/boolq --method uncurl --experts 4 --model demo-uncurl}. */
@Command(
        name = "prune",
        customSynopsis =
                "uncurl prune --from=ID --task=TASK --method=NAME --experts=K (--model=ID | --plan-only) [OPTION]...",
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
                    "How routers follow. Methods that merge: map (default: all rows stay and lead to the merged experts),"
                            + " collapse (one row per cluster). Methods that drop: mask (default: all rows stay, dropped experts are"
                            + " never chosen), slice (their rows go), zero (they are chosen and add nothing).")
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
                    + " ${DEFAULT-VALUE}). bf16 halves the size.")
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
        if (planOptions.isSeveral() && !planOnly) {
            throw UserError.usage(
                    "--method, --experts or --seed has several values, but prune makes one model",
                    "Give one value of each, or make plans of all combinations with --plan-only.");
        }
        RouterRule rule = rule();
        var options = new MergeOptions(rule, align == OnOff.ON, DType.named(dtype));
        Warehouse warehouse = warehouseOptions.open();
        var models = new Models(warehouse);
        if (modelId != null) {
            models.requireOtherThanCase(modelId);
        }
        ModelFolder parent = models.open(parentId);
        List<PlanSettings> all = planOptions.settings(parent.config());
        List<PlanTables.Planned> plans = plan(warehouse, parent, all);
        if (planOnly) {
            return 0;
        }
        PlanSettings settings = all.get(0);
        Plan plan = plans.get(0).plan();
        new PrunedModels(warehouse).make(parent, parentId, plan, settings, options, modelId, RecordedCommand.of(spec));
        return 0;
    }

    /** @throws UserError (usage) if the rule cannot be used with a method */
    private RouterRule rule() {
        List<BuiltInMethods> methods = planOptions.methods();
        if (router != null) {
            methods.forEach(method -> RouterRule.named(router, method));
        }
        return router == null ? RouterRule.of(methods.get(0)) : RouterRule.named(router, methods.get(0));
    }

    /** Makes, stores and prints the plans. */
    private List<PlanTables.Planned> plan(Warehouse warehouse, ModelFolder parent, List<PlanSettings> settings) {
        String names = planOptions.methods().stream().map(BuiltInMethods::id).collect(Collectors.joining(", "));
        warehouse.describe("plan " + names + " of " + parentId);
        var tables = new PlanTables(warehouse);
        List<PlanTables.Planned> plans = tables.plans(parent, parentId, task, split.label(), settings);
        List<Boolean> isNew = plans.stream().map(tables::write).toList();
        System.out.print(
                planOptions.isSeveral() ? PrintedPlans.table(plans, isNew) : PrintedPlans.details(plans.get(0)));
        return plans;
    }
}
