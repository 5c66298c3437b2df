package dev.uncurl.jobs.sweep;

import dev.uncurl.jobs.sweep.SweepConfig.Makes;
import dev.uncurl.jobs.train.TaskFinetuning.Recipe;
import dev.uncurl.pruning.BuiltInMethods;
import dev.uncurl.pruning.PlanSettings;
import dev.uncurl.pruning.RouterRule;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.commons.codec.digest.DigestUtils;

/**
 * One thing to be scored: a model, or a plan of it, on a task, before or after it is finetuned on that task.
 *
 * @param role why it is there; not part of its identity
 * @param task on which it is scored
 * @param pruning empty for the model as it is
 * @param recipe by which it is finetuned; empty if it is not
 * @param protocol how dumps and scores are made
 */
record Cell(
        Role role,
        SweptModel model,
        SweptTask task,
        Optional<Pruning> pruning,
        Optional<Recipe> recipe,
        Protocol protocol) {
    /**
     * A plan and how it is applied.
     *
     * @param madeOn the task whose router logits the plan is made from
     */
    record Pruning(SweptTask madeOn, PlanSettings settings, RouterRule router) {}

    /**
     * What the cells of a sweep have in common.
     *
     * @param routingSplit split of the dump
     * @param tokens size of the dump, 0 for all
     * @param outputs size of the sample on which all experts run
     * @param split that cells are scored on
     * @param limit the most examples, 0 for all
     * @param align whether neurons are aligned before a merge
     * @param dtype storage type of the models that are made
     */
    record Protocol(
            String routingSplit,
            long tokens,
            long outputs,
            String split,
            int limit,
            Makes makes,
            boolean align,
            String dtype) {
        static Protocol of(SweepConfig config) {
            return new Protocol(
                    config.routing().split().label(),
                    config.routing().tokens(),
                    config.routing().outputs(),
                    config.evaluate().split().label(),
                    config.evaluate().limit(),
                    config.makes(),
                    config.align(),
                    config.dtype());
        }
    }

    private static final int DIGITS = 32;

    /** The same before it is finetuned. */
    Cell untuned() {
        return new Cell(role, model, task, pruning, Optional.empty(), protocol);
    }

    /** Hash of everything that determines the results: coordinates, and the hashes of model and data. */
    String id() {
        var parts = new ArrayList<String>(List.of("cell 1", model.id(), model.sha256(), task.name(), task.data()));
        parts.addAll(List.of(protocol.split, Integer.toString(protocol.limit)));
        pruning.ifPresent(plan -> parts.addAll(parts(plan)));
        recipe.ifPresent(one -> parts.addAll(List.of("finetuned", one.sha256(), protocol.dtype)));
        String all = String.join("\n", parts);
        return DigestUtils.sha256Hex(all.getBytes(StandardCharsets.UTF_8)).substring(0, DIGITS);
    }

    private List<String> parts(Pruning plan) {
        PlanSettings settings = plan.settings;
        BuiltInMethods method = settings.method();
        return List.of(
                plan.madeOn.name(),
                plan.madeOn.data(),
                protocol.routingSplit,
                Long.toString(protocol.tokens),
                Long.toString(method.needsOutputs() ? protocol.outputs : 0),
                method.id(),
                Integer.toString(settings.budget().keep()),
                Long.toString(settings.seed()),
                settings.parameters().toString(),
                plan.router.id(),
                Boolean.toString(protocol.align),
                protocol.makes == Makes.MODELS ? protocol.dtype : "");
    }

    /** Short text for people: {@code uncurl 4 of 8, seed 1, map: demo-base on flan}. */
    @Override
    public String toString() {
        String plan = pruning.map(this::text).orElse(role == Role.SCRATCH ? "from scratch" : "unpruned");
        String tuned = recipe.map(one ->
                        ", finetuned (" + one.name() + ", seed " + one.train().seed() + ")")
                .orElse("");
        return plan + tuned + ": " + model.id() + " on " + task.name();
    }

    private String text(Pruning plan) {
        BuiltInMethods method = plan.settings().method();
        return method.id() + " " + plan.settings().budget().keep() + " of " + model.experts()
                + (method.usesSeed() ? ", seed " + plan.settings().seed() : "") + ", "
                + plan.router().id()
                + (plan.madeOn().equals(task)
                        ? ""
                        : ", plan of " + plan.madeOn().name());
    }
}
