package dev.uncurl.jobs.evaluate;

import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.pruning.BuiltInMethods;
import dev.uncurl.pruning.RouterRule;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Finds how models were pruned, from models.registry and pruning.plans: models that prune made, models finetuned from such
 * ones, and plans that were scored without a model, whose ids are {@code parent+<12 hex digits of the plan>-<router>}.
 */
final class Origins {
    private static final Pattern SCORED_PLAN = Pattern.compile("(.+)\\+([0-9a-f]{12})-([a-z]+)(-unaligned)?");

    private record Model(
            String modelId,
            Optional<String> parentModelId,
            String stage,
            Map<String, String> inputs,
            String manifestSha256) {}

    private record Plan(
            String planId,
            String modelId,
            String manifestSha256,
            String task,
            String split,
            String method,
            String weights,
            String budget,
            int expertsAfter,
            long seed,
            Map<String, String> parameters) {}

    private final Map<String, Model> models;
    private final List<Plan> plans;

    private Origins(Map<String, Model> models, List<Plan> plans) {
        this.models = models;
        this.plans = plans;
    }

    static Origins read(Warehouse warehouse) {
        return new Origins(
                Records.read(warehouse.table(UncurlTable.REGISTRY), Model.class).stream()
                        .collect(Collectors.toMap(Model::modelId, Function.identity())),
                Records.read(warehouse.table(UncurlTable.PLANS), Plan.class));
    }

    /** Empty for a model that was not pruned, or of which it is not known how: its parent was replaced since. */
    Optional<Setting> of(String modelId) {
        Model model = models.get(modelId);
        if (model == null) {
            return ofScoredPlan(modelId);
        }
        return switch (model.stage) {
            case "prune" -> Optional.of(ofPruned(model));
            case "prefinetune", "finetune" -> ofFinetuned(model);
            default -> Optional.empty();
        };
    }

    private Optional<Setting> ofScoredPlan(String id) {
        Matcher parts = SCORED_PLAN.matcher(id);
        if (!parts.matches()) {
            return Optional.empty();
        }
        boolean aligned = parts.group(4) == null;
        return plans.stream()
                .filter(plan -> plan.modelId.equals(parts.group(1)) && plan.planId.startsWith(parts.group(2)))
                .findFirst()
                .map(plan -> {
                    var key = new TreeMap<String, String>();
                    key.put("made", "plan");
                    key.put("parent", plan.manifestSha256);
                    key.put("router", parts.group(3));
                    key.put("align", Boolean.toString(aligned));
                    putPlan(key, plan);
                    return new Setting(
                            key,
                            plan.planId,
                            plan.method,
                            parts.group(3),
                            plan.expertsAfter,
                            plan.seed,
                            aligned ? "" : " unaligned");
                });
    }

    private static void putPlan(Map<String, String> key, Plan plan) {
        key.put("method", plan.method);
        key.put("experts", Integer.toString(plan.expertsAfter));
        key.put("task", plan.task);
        key.put("split", plan.split);
        key.put("weights", plan.weights);
        key.put("budget", plan.budget);
        plan.parameters.forEach((name, value) -> key.put("plan." + name, value));
    }

    private Setting ofPruned(Model model) {
        var key = new TreeMap<>(model.inputs);
        String planId = key.remove("plan");
        key.remove("seed");
        key.put("made", "model");
        plans.stream().filter(plan -> plan.planId.equals(planId)).findFirst().ifPresent(plan -> putPlan(key, plan));
        String method = model.inputs.get("method");
        String router = RouterRule.recorded(model.inputs.get("router"), BuiltInMethods.named(method))
                .id();
        boolean aligned = BuiltInMethods.named(method).drops()
                || Boolean.parseBoolean(model.inputs.getOrDefault("align", "true"));
        return new Setting(
                key,
                planId,
                method,
                router,
                Integer.parseInt(model.inputs.get("experts")),
                Long.parseLong(model.inputs.getOrDefault("seed", "0")),
                aligned ? "" : " unaligned");
    }

    private Optional<Setting> ofFinetuned(Model model) {
        Model parent = model.parentModelId.map(models::get).orElse(null);
        if (parent == null || !parent.manifestSha256.equals(model.inputs.get("parent"))) {
            return Optional.empty();
        }
        return of(parent.modelId).map(pruned -> {
            var key = new TreeMap<String, String>();
            pruned.key().forEach((name, value) -> key.put("parent." + name, value));
            key.put("stage", model.stage);
            key.putAll(model.inputs);
            key.remove("parent"); // its hash, which depends on the seed of the plan
            return new Setting(
                    key,
                    pruned.planId(),
                    pruned.method(),
                    pruned.router(),
                    pruned.experts(),
                    pruned.seed(),
                    pruned.suffix() + " " + model.stage + "d");
        });
    }
}
