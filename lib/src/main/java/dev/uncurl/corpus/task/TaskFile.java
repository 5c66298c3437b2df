package dev.uncurl.corpus.task;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValueType;
import dev.uncurl.error.Nearest;
import dev.uncurl.error.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** Converts the HOCON of a task to its definition, and checks that the parts are consistent. */
final class TaskFile {
    private static final Set<String> KEYS = Set.of(
            "name", "version", "shape", "fields", "lists", "select", "repeat", "prompt", "choices", "label", "metrics");

    /** Names that corpora may have, too. */
    private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9_.-]*(/[a-z0-9][a-z0-9_.-]*)*");

    private TaskFile() {}

    static String read(String file) {
        try {
            return Files.readString(Path.of(file));
        } catch (IOException | InvalidPathException e) {
            throw UserError.usage(
                    "The task's file " + file + " cannot be read: " + e,
                    "Give the path of a file as conf/task has them, in UTF-8, or the name of a task.",
                    e);
        }
    }

    /** @throws UserError (usage) if the text is invalid; the message names the file and the key */
    static TaskDefinition parse(String text, String file) {
        try {
            return bind(
                    ConfigFactory.parseString(
                            text, ConfigParseOptions.defaults().setOriginDescription(file)),
                    file);
        } catch (ConfigException e) {
            throw invalid(file, e);
        }
    }

    private static UserError invalid(String file, ConfigException e) {
        return UserError.usage(file + ": " + e.getMessage(), "See conf/task/boolq.conf for an example of a task.");
    }

    private static TaskDefinition bind(Config config, String file) {
        onlyKnownKeys(config, KEYS, file, "");
        var shape = shape(config, file);
        require(
                shape == RowShape.FLAT || !config.hasPath("lists"),
                file,
                "lists with shape = " + shape.label(),
                "Leave it out: the shape has its lists.");
        boolean flat = shape == RowShape.FLAT;
        var task = new TaskDefinition(
                config.getString("name"),
                config.getString("version"),
                shape,
                flat
                        ? List.copyOf(config.getStringList("fields"))
                        : shape.fields().stream().sorted().toList(),
                flat ? lists(config) : shape.lists().stream().sorted().toList(),
                selections(config, file),
                repeated(config),
                PromptTemplate.parse(config.getString("prompt")),
                config.getStringList("choices").stream()
                        .map(PromptTemplate::parse)
                        .toList(),
                label(config, shape, file),
                config.getStringList("metrics").stream()
                        .map(metric -> TaskMetric.of(metric, file))
                        .toList());
        check(task, file);
        return task;
    }

    private static List<String> lists(Config config) {
        return config.hasPath("lists") ? List.copyOf(config.getStringList("lists")) : List.of();
    }

    private static TaskLabel label(Config config, RowShape shape, String file) {
        if (shape.givesLabels()) {
            require(
                    !config.hasPath("label"),
                    file,
                    "label with shape = " + shape.label(),
                    "Leave it out: the rows of this shape tell the right choice.");
            return new TaskLabel.OfShape();
        }
        if (config.getValue("label").valueType() == ConfigValueType.STRING) {
            String word = config.getString("label");
            require(word.equals("first"), file, "label = " + word, "Write label = first, or label { field = ... }.");
            return new TaskLabel.First();
        }
        onlyKnownKeys(config.getConfig("label"), Set.of("field", "values"), file, "label.");
        return new TaskLabel.Field(config.getString("label.field"), labels(config));
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
        if (!config.hasPath("label.values")) {
            return Map.of();
        }
        Config values = config.getConfig("label.values");
        for (String value : values.root().keySet()) {
            labels.put(value, values.getInt(ConfigUtil.quoteString(value)));
        }
        return Map.copyOf(labels);
    }

    private static void check(TaskDefinition task, String file) {
        require(
                NAME.matcher(task.name()).matches(),
                file,
                "name = " + task.name(),
                "Write lower-case letters, digits, '_', '.' and '-', in parts with a slash between them.");
        checkTemplates(task, file);
        boolean oneForEach = task.choices().stream()
                .anyMatch(choice -> choice.fields().stream().anyMatch(task.lists()::contains));
        require(
                oneForEach ? task.choices().size() == 1 : task.choices().size() >= 2,
                file,
                "choices are " + task.choices().size(),
                "Give a template for each possible answer (two or more), or one template that uses a list.");
        checkLabel(task, oneForEach, file);
        require(!task.metrics().isEmpty(), file, "metrics are empty", "Name at least one, such as acc.");
    }

    private static void checkTemplates(TaskDefinition task, String file) {
        var shape = task.shape();
        require(
                shape == RowShape.FLAT || task.selections().isEmpty(),
                file,
                "select with shape = " + shape.label(),
                "Only tasks with flat rows can use select.");
        task.selections()
                .forEach((name, selection) -> require(
                        task.fields().contains(selection.by()),
                        file,
                        "select." + name + ".by = " + selection.by(),
                        "Name one of the fields."));
        var names = new HashSet<>(task.fields());
        names.addAll(task.selections().keySet());
        var withLists = new HashSet<>(names);
        withLists.addAll(task.lists());
        task.repeated().values().forEach(template -> requireFields(template, withLists, file));
        task.choices().forEach(template -> requireFields(template, withLists, file));
        names.addAll(task.repeated().keySet());
        requireFields(task.prompt(), names, file);
    }

    private static void checkLabel(TaskDefinition task, boolean oneForEach, String file) {
        if (!(task.label() instanceof TaskLabel.Field field)) {
            return;
        }
        require(
                oneForEach || !field.values().isEmpty(),
                file,
                "label.values is missing",
                "Give the index of the right choice for each value of " + field.field() + ".");
        field.values()
                .forEach((value, index) -> require(
                        index >= 0 && (oneForEach || index < task.choices().size()),
                        file,
                        "label.values." + value + " = " + index,
                        "Give the index of a choice, from 0."));
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
