package dev.uncurl.jobs.prune;

import dev.uncurl.checkpoint.Lineage;
import dev.uncurl.model.spec.DType;
import dev.uncurl.pruning.BuiltInMethods;
import dev.uncurl.pruning.MergeOptions;
import dev.uncurl.pruning.PlanSettings;
import dev.uncurl.pruning.RouterRule;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What determines a pruned model, as the lineage in its manifest records it. The keys and values are part of the format of
 * a model folder.
 *
 * @param parentSha256 of the parent's manifest
 */
record PruneInputs(String parentSha256, String planId, String task, MergeOptions options) {
    private static final String PARENT = "parent";
    private static final String PLAN = "plan";
    private static final String TASK = "task";
    private static final String METHOD = "method";
    private static final String ROUTER = "router";
    private static final String ALIGN = "align";
    /** Recorded only if it is not F32. */
    private static final String DTYPE = "dtype";

    /**
     * The inputs of a lineage.
     *
     * @param settings that the plan was made with
     * @param tokenizer fingerprint, null where the parent has none
     */
    SortedMap<String, String> write(PlanSettings settings, String tokenizer) {
        var inputs = new TreeMap<>(settings.parameters());
        inputs.put("experts", Integer.toString(settings.budget().keep()));
        inputs.put("seed", Long.toString(settings.seed()));
        inputs.put(PARENT, parentSha256);
        inputs.put(PLAN, planId);
        inputs.put(TASK, task);
        inputs.put(METHOD, settings.method().id());
        inputs.put(ROUTER, options.router().id());
        inputs.put(ALIGN, Boolean.toString(options.align()));
        if (options.dtype() != DType.F32) {
            inputs.put(DTYPE, options.dtype().id());
        }
        inputs.put(Lineage.TOKENIZER, tokenizer);
        return inputs;
    }

    /** @param inputs of the lineage of a pruned model; those of earlier releases can lack router, align and dtype */
    static PruneInputs read(Map<String, String> inputs) {
        var options = new MergeOptions(
                RouterRule.recorded(inputs.get(ROUTER), BuiltInMethods.named(inputs.get(METHOD))),
                Boolean.parseBoolean(inputs.getOrDefault(ALIGN, "true")),
                DType.named(inputs.getOrDefault(DTYPE, DType.F32.id())));
        return new PruneInputs(inputs.get(PARENT), inputs.get(PLAN), inputs.get(TASK), options);
    }
}
