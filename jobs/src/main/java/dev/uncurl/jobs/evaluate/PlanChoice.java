package dev.uncurl.jobs.evaluate;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cli.OnOff;
import dev.uncurl.jobs.output.TextTable;
import dev.uncurl.jobs.warehouse.ModelCache;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.Plans;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.pruning.BuiltInMethods;
import dev.uncurl.pruning.MergeOptions;
import dev.uncurl.pruning.Plan;
import dev.uncurl.pruning.PlanApplier;
import dev.uncurl.pruning.RouterRule;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/**
 * The options of evaluate for plans that are scored without a model: the parent runs with the plan applied in memory. A plan's
 * results are stored under {@code <parent>+<first 12 digits of the plan's id>-<router rule>}, with {@code -unaligned} behind it
 * where experts were merged without alignment.
 */
final class PlanChoice {
    private static final String ALL = "all";
    private static final int DIGITS = 12;

    @Option(
            names = "--plan",
            paramLabel = "ID",
            description = "Also score this plan of the --model, without making a model: 6 or more digits of its id;"
                    + " all: every plan made on the --task. Repeat for more.")
    private List<String> plans = List.of();

    @Option(
            names = "--router",
            paramLabel = "RULE",
            split = ",",
            description = "With --plan: rules as in prune, with commas, or all (default: that of the method).")
    private List<String> routers = List.of();

    @Option(
            names = "--align",
            paramLabel = "on|off",
            description = "With --plan: align neurons before a merge (default: on).")
    private OnOff align;

    /** Whether plans are to be scored. */
    boolean isGiven() {
        return !plans.isEmpty();
    }

    /**
     * Checks the options before the warehouse is opened.
     *
     * @throws UserError (usage) if they do not fit each other or the number of models
     */
    void check(List<String> models) {
        if (plans.isEmpty() && (!routers.isEmpty() || align != null)) {
            throw UserError.usage(
                    "--router and --align say how a plan is applied, but there is no --plan",
                    "Add --plan ID or --plan all, or leave them out.");
        }
        if (!plans.isEmpty() && models.size() != 1) {
            throw UserError.usage(
                    "--plan needs the one model that the plan is for; --model names " + models.size(),
                    "Give --model once.");
        }
        if (plans.contains(ALL) && plans.size() > 1) {
            throw UserError.usage("--plan all includes every other --plan", "Give --plan all alone, or ids.");
        }
        if (routers.contains(ALL) && routers.size() > 1) {
            throw UserError.usage("--router all includes every other rule", "Give --router all alone, or names.");
        }
        routers.stream().filter(rule -> !rule.equals(ALL)).forEach(RouterRule::named);
    }

    /**
     * The models in their order, then the plans of the one model, each under each of its rules. Prints what the plans are.
     *
     * @param task of the evaluation, on which plans were made that {@code all} stands for
     * @throws UserError (usage) if there is no such plan or no rule fits it, (input) if it is for another state of the model
     */
    List<ScoredModel> models(Warehouse warehouse, List<String> models, String task) {
        var scored = new ArrayList<ScoredModel>();
        models.forEach(model -> scored.add(ScoredModel.registered(warehouse, model)));
        if (plans.isEmpty()) {
            return scored;
        }
        String parentId = models.get(0);
        ModelFolder parent = new Models(warehouse).open(parentId);
        var reference = ModelCache.Reference.of(warehouse, parent);
        var stored = new Plans(warehouse);
        List<Plan> chosen = plans.contains(ALL)
                ? stored.all(parentId, parent.manifestSha256(), task)
                : stored.find(parentId, plans);
        var lines = new ArrayList<Object[]>();
        for (Plan plan : chosen) {
            PlanApplier.check(parent, plan);
            for (RouterRule rule : rules(plan)) {
                ScoredModel model = planned(parentId, parent, new PlannedSource(reference, plan, options(plan, rule)));
                scored.add(model);
                lines.add(line(model, plan, rule));
            }
        }
        if (lines.isEmpty()) { // says which rules fit
            RouterRule.named(routers.get(0), method(chosen.get(0)));
        }
        System.out.print(TextTable.of(
                List.of("scored without a model", "method", "experts", "seed", "made on", "router"), lines));
        return scored;
    }

    /** Alignment is left out where nothing is merged, so that it makes no other model there. */
    private MergeOptions options(Plan plan, RouterRule rule) {
        boolean aligned = align != OnOff.OFF || PlanApplier.merges(plan).isEmpty();
        return new MergeOptions(rule, aligned);
    }

    private static BuiltInMethods method(Plan plan) {
        return BuiltInMethods.named(plan.origin().method());
    }

    /** The rules of a plan; none if --plan all includes it and no --router is for its method. */
    private List<RouterRule> rules(Plan plan) {
        BuiltInMethods method = method(plan);
        if (routers.isEmpty()) {
            return List.of(RouterRule.of(method));
        }
        List<String> fitting = RouterRule.ids(method).stream()
                .filter(rule -> routers.contains(ALL) || routers.contains(rule))
                .toList();
        if (fitting.isEmpty() && !plans.contains(ALL)) { // says which rules fit
            return List.of(RouterRule.named(routers.get(0), method));
        }
        return fitting.stream().map(rule -> RouterRule.named(rule, method)).toList();
    }

    /** A plan applied to its model in memory, under the id that its results have. */
    static ScoredModel planned(String parentId, ModelFolder parent, PlannedSource source) {
        Plan plan = source.plan();
        String router = source.options().router().id();
        return new ScoredModel(
                parentId + "+" + plan.id().substring(0, DIGITS) + "-" + router
                        + (source.options().align() ? "" : "-unaligned"),
                source.sha256(),
                parent.manifest().lineage().tokenizer(),
                PlanApplier.prunedConfig(parent.config(), plan, source.options()),
                source,
                Optional.of(new ScoredModel.Planned(plan.id(), router)));
    }

    private static Object[] line(ScoredModel model, Plan plan, RouterRule rule) {
        Plan.Origin origin = plan.origin();
        return new Object[] {
            model.id(),
            origin.method(),
            origin.keep() + " of " + origin.experts(),
            BuiltInMethods.named(origin.method()).usesSeed() ? origin.seed() : null,
            origin.task(),
            rule.id()
        };
    }
}
