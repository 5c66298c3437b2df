package dev.uncurl.jobs.sweep;

import static dev.uncurl.config.Check.check;

import dev.uncurl.config.Range;
import dev.uncurl.config.Settings;
import dev.uncurl.corpus.Split;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.evaluate.CellScores;
import dev.uncurl.jobs.train.TaskFinetuning.Recipe;
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
import java.util.Set;
import java.util.SortedMap;

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
 * @param only of which plans models are made and finetuned: all, or frontier
 * @param finetune how every cell is finetuned on its task, if it is
 * @param latency what is timed
 * @param keep of which plans the models that were made stay when maintain deletes those that are not needed
 * @param retention what is deleted after a run
 * @param align whether neurons are aligned before a merge
 * @param dtype storage type of the models that are made
 * @param order the coordinates by which cells are sorted, and so run, the slowest first; the others follow as in
 *     {@link Coordinate}
 * @param parallel cells that are run at a time, or {@value #AUTO}: as many as fill the slots of the cluster, and one more
 * @param commitCells cells whose scores are committed together
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
        Plans only,
        FinetuneChoice finetune,
        LatencyChoice latency,
        Plans keep,
        RetentionChoice retention,
        boolean align,
        String dtype,
        List<Coordinate> order,
        String parallel,
        int commitCells,
        int maxCells,
        String until) {
    /** What is done with a cell. */
    enum Makes {
        /** The plan is applied in memory and scored. */
        SCORES,
        /** The plan is scored, then the model is made. */
        MODELS
    }

    /** Which of the sweep's plans something is meant for; the controls parent and scratch are always included. */
    enum Plans {
        ALL,
        /** Those that the scores leave in play, see {@link Frontier}. */
        FRONTIER,
        NONE
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

    /** The name, and settings that say how a run goes about the cells. */
    private static final Set<String> OF_A_RUN =
            Set.of("sweep", "order", "latency", "keep", "retention", "parallel", "commit-cells", "max-cells", "until");

    private static final String NONE = "none";
    private static final String AUTO = "auto";

    private static final int MOST_AT_A_TIME = 16;

    SweepConfig {
        check(sweep != null, "sweep", null, "a name");
        PathName.plain("sweep", sweep);
        SettingLists.requireSome("models", models);
        SettingLists.requireSome("tasks", tasks);
        check(routing != null, "routing", null, "a block of settings");
        check(evaluate != null, "evaluate", null, "a block of settings");
        SettingLists.requireSome("methods", methods);
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
        SettingLists.requireSome("seeds", seeds);
        check(controls != null, "controls", null, "a block of settings");
        check(makes != null, "makes", null, "scores or models");
        check(only == Plans.ALL || only == Plans.FRONTIER, "only", only, "all or frontier");
        check(finetune != null, "finetune", null, "a block of settings, recipe = none for none");
        check(latency != null, "latency", null, "a block of settings, batch = [] for none");
        check(keep != null, "keep", null, "all, frontier or none");
        check(retention != null, "retention", null, "a block of settings, nights = 0 to delete nothing");
        check(
                makes == Makes.SCORES || keep != Plans.NONE || latency.isMeasured(),
                "keep",
                keep,
                "all or frontier: with makes = models and no latency, models would be made for nothing");
        DType.named(dtype);
        check(
                order != null && new HashSet<>(order).size() == order.size(),
                "order",
                order,
                "different ones of model, task, role, experts, method, router, seed, or []");
        parallel(parallel);
        check(commitCells > 0 && commitCells <= 1000, "commit-cells", commitCells, "a number from 1 to 1000");
        check(maxCells >= 0, "max-cells", maxCells, "a number, 0 for all");
        List.of(tasks, experts, factors, routers, seeds).forEach(SettingLists::requireDistinct);
        models.forEach(ModelChoice::of);
        checkMethods(methods, routers, routing);
        until(until);
    }

    private static void checkMethods(List<Map<String, String>> methods, List<String> routers, Routing routing) {
        routers.forEach(RouterRule::named);
        List<MethodChoice> chosen = methods.stream().map(MethodChoice::of).toList();
        SettingLists.requireDistinct(chosen);
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

    /** @return 0 for auto */
    private static int parallel(String text) {
        check(text != null, "parallel", null, "a number of cells, or auto");
        if (text.equals(AUTO)) {
            return 0;
        }
        check(text.matches("[0-9]{1,3}") && Integer.parseInt(text) > 0, "parallel", text, "1 to 999 cells, or auto");
        return Integer.parseInt(text);
    }

    /**
     * Cells that are run at a time. One more than fill all slots: a cell's beginning and end do not need them.
     *
     * @param slots of the cluster
     */
    int cellsAtATime(int slots) {
        int blocks = evaluate.limit == 0 ? slots : (evaluate.limit + CellScores.BLOCK - 1) / CellScores.BLOCK;
        int filling = (slots + blocks - 1) / blocks;
        return parallel.equals(AUTO) ? Math.min(MOST_AT_A_TIME, filling + 1) : parallel(parallel);
    }

    /** See {@code until}. */
    Optional<LocalTime> endOfNight() {
        return until(until);
    }

    List<ModelChoice> modelChoices() {
        return models.stream().map(ModelChoice::of).toList();
    }

    List<ModelChoice> scratchChoices() {
        return controls.scratch().stream().map(ModelChoice::of).toList();
    }

    /**
     * The finetunings of each cell, one for each seed; none if there is no recipe.
     *
     * @throws UserError (usage) if there is no such configuration, or it is none of a finetuning
     */
    List<Recipe> recipes() {
        return finetune.recipe().equals(NONE)
                ? List.of()
                : finetune.seeds().stream()
                        .map(seed -> Recipe.load(finetune.recipe(), seed))
                        .toList();
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
        if (!controls.otherTask().isEmpty() && !controls.otherTask().equals(task)) {
            return Optional.of(controls.otherTask());
        }
        return tasks.size() < 2 ? Optional.empty() : Optional.of(tasks.get((tasks.indexOf(task) + 1) % tasks.size()));
    }

    /** All settings that decide which cells there are and what they are, by name, as JSON. */
    SortedMap<String, String> searchSpace() {
        SortedMap<String, String> settings = Settings.jsonByKey(this);
        settings.keySet().removeAll(OF_A_RUN);
        return settings;
    }
}
