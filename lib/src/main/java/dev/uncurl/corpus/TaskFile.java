package dev.uncurl.corpus;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigUtil;
import dev.uncurl.error.Nearest;
import dev.uncurl.error.Refusal;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** Binds a task's HOCON to its definition and checks that its parts fit each other. */
final class TaskFile {
    private static final Set<String> KEYS =
            Set.of("name", "version", "fields", "select", "prompt", "choices", "label", "metrics");

    private TaskFile() {}

    /** @throws Refusal (usage) that names the file and the key */
    static TaskDefinition bind(Config config, String file) {
        onlyKnownKeys(config, KEYS, file, "");
        try {
            onlyKnownKeys(config.getConfig("label"), Set.of("field", "values"), file, "label.");
            var task = new TaskDefinition(
                    config.getString("name"),
                    config.getString("version"),
                    List.copyOf(config.getStringList("fields")),
                    selections(config, file),
                    PromptTemplate.parse(config.getString("prompt")),
                    config.getStringList("choices").stream()
                            .map(PromptTemplate::parse)
                            .toList(),
                    config.getString("label.field"),
                    labels(config),
                    List.copyOf(config.getStringList("metrics")));
            check(task, file);
            return task;
        } catch (ConfigException e) {
            throw Refusal.usage(file + ": " + e.getMessage(), "See conf/task/boolq.conf for the form of a task.");
        }
    }

    private static Map<String, TaskDefinition.Selection> selections(Config config, String file) {
        var selections = new TreeMap<String, TaskDefinition.Selection>();
        if (config.hasPath("select")) {
            for (String name : config.getObject("select").keySet()) {
                Config selection = config.getConfig("select").getConfig(name);
                onlyKnownKeys(selection, Set.of("by", "cases"), file, "select." + name + ".");
                var cases = new TreeMap<String, String>();
                selection
                        .getObject("cases")
                        .forEach((value, word) ->
                                cases.put(value, word.unwrapped().toString()));
                selections.put(name, new TaskDefinition.Selection(selection.getString("by"), Map.copyOf(cases)));
            }
        }
        return Map.copyOf(selections);
    }

    private static Map<String, Integer> labels(Config config) {
        var labels = new TreeMap<String, Integer>();
        Config values = config.getConfig("label.values");
        for (String value : values.root().keySet()) {
            labels.put(value, values.getInt(ConfigUtil.quoteString(value)));
        }
        return Map.copyOf(labels);
    }

    private static void check(TaskDefinition task, String file) {
        var names = new HashSet<>(task.fields());
        names.addAll(task.selections().keySet());
        var templates = new ArrayList<>(task.choices());
        templates.add(task.prompt());
        for (PromptTemplate template : templates) {
            requireFields(template, names, file);
        }
        task.selections()
                .forEach((name, selection) -> require(
                        task.fields().contains(selection.by()),
                        file,
                        "select." + name + ".by = " + selection.by(),
                        "Name one of the fields."));
        require(task.choices().size() >= 2, file, "choices are fewer than two", "Give each possible answer.");
        task.labels()
                .forEach((value, index) -> require(
                        index >= 0 && index < task.choices().size(),
                        file,
                        "label.values." + value + " = " + index,
                        "Give the index of a choice, from 0."));
        require(!task.metrics().isEmpty(), file, "metrics are empty", "Name one at least, such as accuracy.");
    }

    static void requireFields(PromptTemplate template, Set<String> fields, String file) {
        for (String field : template.fields()) {
            require(
                    fields.contains(field),
                    file,
                    "template uses {" + field + "}",
                    "The fields are " + String.join(", ", new TreeSet<>(fields)) + ".");
        }
    }

    private static void require(boolean holds, String file, String what, String remedy) {
        if (!holds) {
            throw Refusal.usage(file + ": " + what, remedy);
        }
    }

    static void onlyKnownKeys(Config config, Set<String> known, String file, String prefix) {
        for (String key : config.root().keySet()) {
            require(
                    known.contains(key),
                    file,
                    "key " + prefix + key + " is not known",
                    Nearest.hint(key, known.stream().sorted().toList()));
        }
    }
}
