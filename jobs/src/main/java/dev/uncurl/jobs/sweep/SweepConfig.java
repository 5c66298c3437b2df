package dev.uncurl.jobs.sweep;

import static dev.uncurl.config.Check.check;

import dev.uncurl.config.Range;
import dev.uncurl.config.Settings;
import dev.uncurl.corpus.Split;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.PathName;
import dev.uncurl.model.spec.DType;
import dev.uncurl.pruning.RouterRule;
import java.time.LocalTime;
import java.time.format.DateTimeParseException;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A sweep. The defaults, with a comment for each setting, are in conf/sweep/defaults.conf.
 *
 * @param sweep name, under which its cells are stored
 * @param models see {@link ModelChoice}
 * @param tasks on which plans are made and scored
 * @param routing the dump that plans are made from
 * @param evaluate on what cells are scored
 * @param methods see {@link MethodChoice}
 * @param experts numbers of experts to keep per layer
 * @param factors pruning factors: E / factor experts are kept; those that do not divide E are left out for that model
 * @param routers rules for the router; a method has those that fit it; empty: its default
 * @param seeds of methods that use one
 * @param controls what is compared with
 * @param makes what is done with a cell
 * @param align whether neurons are aligned before a merge
 * @param dtype storage type of the models that are made
 * @param order the coordinates by which cells are sorted, and so run, the slowest first; the others follow as in
 *     {@link Coordinate}
 * @param maxCells the most cells that one run takes up; 0: all
 * @param until time of day (of this machine's zone) after which no cell is begun, such as 06:00; none: no limit
 */
record SweepConfig(
        String sweep,
        List<Map<String, String>> models,
        List<String> tasks,
        Routing routing,
        Evaluate evaluate,
        List<Map<String, String>> methods,
        List<Integer> experts,
        List<Integer> factors,
        List<String> routers,
        List<Long> seeds,
        Controls controls,
        Makes makes,
        boolean align,
        String dtype,
        List<Coordinate> order,
        int maxCells,
        String until) {
    /** What is done with a cell. */
    enum Makes {
        /** The plan is applied in memory and scored. */
        SCORES,
        /** The plan is scored, then the model is made. */
        MODELS
    }

    /**
     * @param split of the router logits
     * @param tokens size of the sample, 0 for all
     * @param outputs size of the sample on which all experts run, for methods that need it; 0 for none
     */
    record Routing(Split split, long tokens, long outputs) {
        Routing {
            check(split != null, "routing.split", null, "train or validation");
            Range.TOKENS_OPTION.check(tokens);
            Range.OUTPUTS_OPTION.check(outputs);
        }
    }

    /** @param limit the most examples or sequences, the first ones; 0 for all */
    record Evaluate(Split split, int limit) {
        Evaluate {
            check(split != null, "evaluate.split", null, "train or validation");
            Range.LIMIT_OPTION.check(limit);
        }
    }

    /**
     * @param randomSeeds how many random choices of experts are scored for each number of experts
     * @param otherTask the task whose plans are scored on every other one, as a control; empty: the next in {@code tasks}, and
     *     none where there is only one task
     */
    record Controls(int randomSeeds, String otherTask) {
        Controls {
            check(
                    randomSeeds > 0 && randomSeeds <= MOST_SEEDS,
                    "controls.random-seeds",
                    randomSeeds,
                    "a number from 1 to " + MOST_SEEDS);
            check(otherTask != null, "controls.other-task", null, "a task, or \"\"");
        }
    }

    private static final int MOST_SEEDS = 1000;
    private static final String NONE = "none";

    SweepConfig {
        check(sweep != null, "sweep", null, "a name");
        PathName.plain("sweep", sweep);
        requireSome("models", models);
        requireSome("tasks", tasks);
        check(routing != null, "routing", null, "a block of settings");
        check(evaluate != null, "evaluate", null, "a block of settings");
        requireSome("methods", methods);
        check(experts != null, "experts", null, "numbers, or []");
        experts.forEach(Range.EXPERTS_OPTION::check);
        check(factors != null, "factors", null, "numbers, or []");
        check(
                factors.stream().allMatch(factor -> factor > 1),
                "factors",
                factors,
                "numbers of 2 or more: experts before / after");
        check(!experts.isEmpty() || !factors.isEmpty(), "experts", "[] with factors = []", "numbers, or set factors");
        check(routers != null, "routers", null, "rules such as [map, mask], or []");
        requireSome("seeds", seeds);
        check(controls != null, "controls", null, "a block of settings");
        check(makes != null, "makes", null, "scores or models");
        DType.named(dtype);
        check(
                order != null && new HashSet<>(order).size() == order.size(),
                "order",
                order,
                "different ones of model, task, role, experts, method, router, seed, or []");
        check(maxCells >= 0, "max-cells", maxCells, "a number, 0 for all");
        List.of(tasks, experts, factors, routers, seeds).forEach(SweepConfig::requireDistinct);
        models.forEach(ModelChoice::of);
        checkMethods(methods, routers, routing);
        until(until);
    }

    private static void requireSome(String key, List<?> values) {
        check(values != null && !values.isEmpty(), key, values, "a list with one or more");
    }

    private static void requireDistinct(List<?> values) {
        if (new HashSet<>(values).size() < values.size()) {
            throw UserError.usage("A list of the sweep names a value twice: " + values, "Name each once.");
        }
    }

    private static void checkMethods(List<Map<String, String>> methods, List<String> routers, Routing routing) {
        routers.forEach(RouterRule::named);
        List<MethodChoice> chosen = methods.stream().map(MethodChoice::of).toList();
        requireDistinct(chosen);
        for (MethodChoice choice : chosen) {
            check(
                    !choice.method().needsOutputs() || routing.outputs > 0,
                    "routing.outputs",
                    routing.outputs,
                    "a number of tokens, such as 4096: method "
                            + choice.method().id() + " compares the outputs of experts");
            if (!routers.isEmpty() && rules(choice, routers).isEmpty()) {
                RouterRule.named(routers.get(0), choice.method()); // says which rules fit
            }
        }
    }

    private static Optional<LocalTime> until(String text) {
        check(text != null, "until", null, "a time of day such as \"06:00\", or none");
        try {
            return text.equals(NONE) ? Optional.empty() : Optional.of(LocalTime.parse(text));
        } catch (DateTimeParseException e) {
            throw UserError.usage("until = " + text + " is no time of day", "Write it as \"06:00\", or none.", e);
        }
    }

    /** See {@code until}. */
    Optional<LocalTime> endOfNight() {
        return until(until);
    }

    List<ModelChoice> modelChoices() {
        return models.stream().map(ModelChoice::of).toList();
    }

    List<MethodChoice> methodChoices() {
        return methods.stream().map(MethodChoice::of).toList();
    }

    /** The rules of a method: those of the sweep that fit it. */
    List<RouterRule> rules(MethodChoice choice) {
        return routers.isEmpty() ? List.of(RouterRule.of(choice.method())) : rules(choice, routers);
    }

    private static List<RouterRule> rules(MethodChoice choice, Collection<String> routers) {
        List<String> fitting = RouterRule.ids(choice.method());
        return routers.stream().filter(fitting::contains).map(RouterRule::named).toList();
    }

    /** The other task of a task, for the control; empty if there is none. */
    Optional<String> otherTask(String task) {
        if (!controls.otherTask.isEmpty() && !controls.otherTask.equals(task)) {
            return Optional.of(controls.otherTask);
        }
        return tasks.size() < 2 ? Optional.empty() : Optional.of(tasks.get((tasks.indexOf(task) + 1) % tasks.size()));
    }

    /** All settings that decide which cells there are, by name, as JSON. */
    SortedMap<String, String> searchSpace() {
        var settings = new TreeMap<String, String>();
        settings.put("models", Settings.json(models));
        settings.put("tasks", Settings.json(tasks));
        settings.put("routing", Settings.json(routing));
        settings.put("evaluate", Settings.json(evaluate));
        settings.put("methods", Settings.json(methods));
        settings.put("experts", Settings.json(experts));
        settings.put("factors", Settings.json(factors));
        settings.put("routers", Settings.json(routers));
        settings.put("seeds", Settings.json(seeds));
        settings.put("controls", Settings.json(controls));
        settings.put("makes", Settings.json(makes));
        settings.put("align", Settings.json(align));
        settings.put("dtype", Settings.json(dtype));
        return settings;
    }
}
