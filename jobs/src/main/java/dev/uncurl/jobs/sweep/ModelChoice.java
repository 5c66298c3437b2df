package dev.uncurl.jobs.sweep;

import dev.uncurl.error.UserError;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Names models of the registry: one by its name, all that fit a pattern, or the newest of a stage. The last two mean models
 * that were not pruned: what sweeps make does not become what later sweeps start from.
 */
sealed interface ModelChoice {
    /** The columns of models.registry that decide. */
    record Registered(String modelId, Optional<String> parentModelId, String stage, Instant createdAt) {}

    /** {@code { name = demo-base }}. */
    record Named(String name) implements ModelChoice {}

    /** {@code { pattern = "demo-*" }}: a star stands for any characters. */
    record Matching(String pattern) implements ModelChoice {}

    /** {@code { newest-of-stage = prefinetune }}. */
    record Newest(String stage) implements ModelChoice {}

    /** Stages of models that newest-of-stage can name. */
    List<String> STAGES = List.of("pretrain", "prefinetune", "finetune");

    /** @throws UserError (usage) unless there is one key, and its value is possible */
    static ModelChoice of(Map<String, String> entry) {
        String key = entry.size() == 1 ? entry.keySet().iterator().next() : "";
        String value = entry.getOrDefault(key, "");
        return switch (key) {
            case "name" -> new Named(value);
            case "pattern" -> new Matching(value);
            case "newest-of-stage" -> {
                if (!STAGES.contains(value)) {
                    throw UserError.usage(
                            "models: there is no stage " + value + " of models that were not pruned",
                            "Use one of " + String.join(", ", STAGES) + ".");
                }
                yield new Newest(value);
            }
            default -> throw UserError.usage(
                    "models: " + entry + " names no model",
                    "Write { name = ID }, { pattern = \"demo-*\" } or { newest-of-stage = prefinetune }.");
        };
    }

    /**
     * The models that choices name, each once, in the order of the choices and, within a pattern, of the names.
     *
     * @throws UserError (input) for a choice that names none
     */
    static List<String> resolve(List<ModelChoice> choices, Collection<Registered> registry) {
        Map<String, Registered> byName =
                registry.stream().collect(Collectors.toMap(Registered::modelId, Function.identity()));
        List<Registered> unpruned =
                registry.stream().filter(model -> !isPruned(model, byName)).toList();
        var ids = new LinkedHashSet<String>();
        for (ModelChoice choice : choices) {
            List<String> found = choice.find(byName, unpruned);
            if (found.isEmpty()) {
                throw UserError.input(
                        "models: " + choice.text() + " is in models.registry of this warehouse",
                        unpruned.isEmpty()
                                ? "Make one with pretrain, or name another --warehouse."
                                : "Unpruned models there: "
                                        + unpruned.stream()
                                                .map(Registered::modelId)
                                                .sorted()
                                                .collect(Collectors.joining(", "))
                                        + ".");
            }
            ids.addAll(found);
        }
        return new ArrayList<>(ids);
    }

    /** As {@link #resolve} for one choice; empty if it names none. */
    default List<String> resolve(Collection<Registered> registry) {
        Map<String, Registered> byName =
                registry.stream().collect(Collectors.toMap(Registered::modelId, Function.identity()));
        return find(
                byName,
                registry.stream().filter(model -> !isPruned(model, byName)).toList());
    }

    private List<String> find(Map<String, Registered> byName, List<Registered> unpruned) {
        if (this instanceof Named named) {
            return byName.containsKey(named.name) ? List.of(named.name) : List.of();
        }
        if (this instanceof Matching matching) {
            Pattern pattern = Pattern.compile("\\Q" + matching.pattern.replace("*", "\\E.*\\Q") + "\\E");
            return unpruned.stream()
                    .map(Registered::modelId)
                    .filter(id -> pattern.matcher(id).matches())
                    .sorted()
                    .toList();
        }
        String stage = ((Newest) this).stage;
        return unpruned.stream()
                .filter(model -> model.stage.equals(stage))
                .max(Comparator.comparing(Registered::createdAt).thenComparing(Registered::modelId))
                .map(model -> List.of(model.modelId))
                .orElse(List.of());
    }

    /** For messages: that there is none. */
    default String text() {
        if (this instanceof Named named) {
            return "no model " + named.name;
        }
        return this instanceof Matching matching
                ? "no unpruned model with a name like " + matching.pattern
                : "no unpruned model of stage " + ((Newest) this).stage;
    }

    private static boolean isPruned(Registered model, Map<String, Registered> byName) {
        var seen = new LinkedHashSet<Registered>();
        for (Registered one = model; one != null && seen.add(one); ) {
            if (one.stage.equals("prune")) {
                return true;
            }
            one = one.parentModelId.map(byName::get).orElse(null);
        }
        return false;
    }
}
