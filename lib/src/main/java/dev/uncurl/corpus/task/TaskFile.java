package dev.uncurl.corpus.task;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigUtil;
import dev.uncurl.error.Nearest;
import dev.uncurl.error.UserError;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** Converts the HOCON of a task to its definition, and checks that the parts are consistent. */
final class TaskFile {
    private static final Set<String> KEYS =
            Set.of("name", "version", "shape", "fields", "select", "repeat", "prompt", "choices", "label", "metrics");

    private TaskFile() {}

    /** @throws UserError (usage) if the file is invalid; the message names the file and the key */
    static TaskDefinition bind(Config config, String file) {
        onlyKnownKeys(config, KEYS, file, "");
        try {
            var shape = shape(config, file);
            boolean labelled = shape != RowShape.RECORD;
            if (labelled) {
                onlyKnownKeys(config.getConfig("label"), Set.of("field", "values"), file, "label.");
            }
            var task = new TaskDefinition(
                    config.getString("name"),
                    config.getString("version"),
                    shape,
                    shape == RowShape.FLAT
                            ? List.copyOf(config.getStringList("fields"))
                            : shape.fields().stream().sorted().toList(),
                    selections(config, file),
                    repeated(config),
                    PromptTemplate.parse(config.getString("prompt")),
                    config.getStringList("choices").stream()
                            .map(PromptTemplate::parse)
                            .toList(),
                    labelled ? config.getString("label.field") : "",
                    labelled ? labels(config) : Map.of(),
                    config.getStringList("metrics").stream()
                            .map(metric -> TaskMetric.of(metric, file))
                            .toList());
            check(task, file);
            return task;
        } catch (ConfigException e) {
            throw UserError.usage(file + ": " + e.getMessage(), "See conf/task/boolq.conf for an example of a task.");
        }
    }

    private static RowShape shape(Config config, String file) {
        if (!config.hasPath("shape")) {
            return RowShape.FLAT;
        }
        String name = config.getString("shape");
        var known = Arrays.stream(RowShape.values()).map(RowShape::label).toList();
        require(known.contains(name), file, "shape = " + name + " is not known", Nearest.hint(name, known));
        return RowShape.values()[known.indexOf(name)];
    }

    private static Map<String, PromptTemplate> repeated(Config config) {
        var repeated = new TreeMap<String, PromptTemplate>();
        if (config.hasPath("repeat")) {
            for (String name : config.getObject("repeat").keySet()) {
                repeated.put(
                        name, PromptTemplate.parse(config.getConfig("repeat").getString(name)));
            }
        }
        return Map.copyOf(repeated);
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
        var shape = task.shape();
        require(
                shape == RowShape.FLAT || task.selections().isEmpty(),
                file,
                "select with shape = " + shape.label(),
                "Only tasks with flat rows can use select.");
        var names = new HashSet<>(task.fields());
        names.addAll(task.selections().keySet());
        var withLists = new HashSet<>(names);
        withLists.addAll(shape.lists());
        task.repeated().values().forEach(template -> requireFields(template, withLists, file));
        task.choices().forEach(template -> requireFields(template, withLists, file));
        names.addAll(task.repeated().keySet());
        requireFields(task.prompt(), names, file);
        boolean oneForEach = task.choices().stream()
                .anyMatch(choice -> choice.fields().stream().anyMatch(shape.lists()::contains));
        task.selections()
                .forEach((name, selection) -> require(
                        task.fields().contains(selection.by()),
                        file,
                        "select." + name + ".by = " + selection.by(),
                        "Name one of the fields."));
        require(
                oneForEach ? task.choices().size() == 1 : task.choices().size() >= 2,
                file,
                "choices are " + task.choices().size(),
                "Give a template for each possible answer (two or more), or one template that uses a list.");
        task.labels()
                .forEach((value, index) -> require(
                        index >= 0 && index < task.choices().size(),
                        file,
                        "label.values." + value + " = " + index,
                        "Give the index of a choice, from 0."));
        require(!task.metrics().isEmpty(), file, "metrics are empty", "Name at least one, such as acc.");
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

    private static void require(boolean condition, String file, String what, String remedy) {
        if (!condition) {
            throw UserError.usage(file + ": " + what, remedy);
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
