package dev.uncurl.corpus.task;

import com.fasterxml.jackson.databind.JsonNode;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import dev.uncurl.corpus.Example;
import dev.uncurl.corpus.Outcome;
import dev.uncurl.corpus.Rejection;
import dev.uncurl.corpus.row.RowRejectedException;
import dev.uncurl.error.Nearest;
import dev.uncurl.error.UserError;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * A task with choices: converts a row to a prompt and its choices. The wording is data, in the file
 * conf/task/&lt;task&gt;.conf.
 *
 * @param name {@code superglue/boolq}
 * @param version of the wording; recorded in every result
 * @param shape structure of a row
 * @param fields that the templates can use: those of the shape, or for a flat row those of the file
 * @param selections words that depend on the value of a field, by the name that templates use
 * @param repeated templates that are filled once for each value of a list, by the name that the prompt uses
 * @param prompt the template of the prompt
 * @param choices the templates of the choices, each including the separator between prompt and choice; or one template
 *     that uses a list and gives one choice for each value of the list
 * @param labelField the field with the right answer; empty if the shape determines it
 * @param labels index of the choice, by the label as text ({@code true}, {@code 1}, {@code entailment})
 * @param metrics metrics of the task, the main one first
 */
public record TaskDefinition(
        String name,
        String version,
        RowShape shape,
        List<String> fields,
        Map<String, Selection> selections,
        Map<String, PromptTemplate> repeated,
        PromptTemplate prompt,
        List<PromptTemplate> choices,
        String labelField,
        Map<String, Integer> labels,
        List<TaskMetric> metrics) {
    private static final String FOLDER = "conf/task/";

    /**
     * A word that depends on the value of a field.
     *
     * @param by the field
     * @param cases the word for each value
     */
    public record Selection(String by, Map<String, String> cases) {}

    /** The names of all tasks, from conf/task/index.conf. */
    public static List<String> known() {
        return ConfigFactory.parseResources(TaskDefinition.class.getClassLoader(), FOLDER + "index.conf")
                .getStringList("tasks");
    }

    /**
     * Loads a task by name.
     *
     * @param name such as {@code superglue/boolq}
     * @throws UserError (usage) if there is no such task, with the nearest name
     */
    public static TaskDefinition load(String name) {
        var known = known();
        if (!known.contains(name)) {
            throw UserError.usage("task '" + name + "' is not known", Nearest.hint(name, known));
        }
        String file = FOLDER + name.substring(name.indexOf('/') + 1) + ".conf";
        Config config = ConfigFactory.parseResources(TaskDefinition.class.getClassLoader(), file);
        var task = TaskFile.bind(config, file);
        if (!task.name().equals(name)) {
            throw UserError.usage(file + " defines task " + task.name(), "Set its name to " + name + ".");
        }
        return task;
    }

    /**
     * Returns the examples of a row, at least one, or its rejection: a row is accepted or rejected as a whole. A row
     * without a label, as in test sets, is rejected with the reason "no label".
     */
    public Iterator<? extends Outcome> render(JsonNode row, String source, long offset, long line) {
        try {
            return examples(row, source, offset, line);
        } catch (RowRejectedException e) {
            var rejection = Rejection.at(name, source, line, offset, e.getMessage(), row.toString());
            return List.of(rejection).iterator();
        }
    }

    /** Returns the examples of a row. The whole row is checked first; the examples are created lazily. */
    public Iterator<Example> examples(JsonNode row, String source, long offset, long line) throws RowRejectedException {
        var items = shape.items(this, row).items();
        return IntStream.range(0, items.size())
                .mapToObj(part -> example(items.get(part), part, source, offset, line))
                .iterator();
    }

    private Example example(RowItems.Item item, int part, String source, long offset, long line) {
        var values = new HashMap<>(item.values());
        repeated.forEach((field, template) -> values.put(field, String.join("", rendered(template, item, values))));
        var rendered = choices.stream()
                .flatMap(choice -> rendered(choice, item, values).stream())
                .toList();
        int label = item.right().get(0);
        String text = prompt.render(values);
        return new Example(
                source,
                offset,
                line,
                part,
                item.group(),
                name,
                text,
                rendered.get(label),
                rendered,
                label,
                item.right());
    }

    /** Fills a template; once for each value of the list if it uses a list. */
    private static List<String> rendered(PromptTemplate template, RowItems.Item item, Map<String, String> values) {
        for (var list : item.lists().entrySet()) {
            if (template.fields().contains(list.getKey())) {
                return list.getValue().stream()
                        .map(value -> {
                            var all = new HashMap<>(values);
                            all.put(list.getKey(), value);
                            return template.render(all);
                        })
                        .toList();
            }
        }
        return List.of(template.render(values));
    }

    /** The index of the right choice. */
    int label(JsonNode row) throws RowRejectedException {
        var node = row.get(labelField);
        if (node == null || node.isNull() || node.isIntegralNumber() && node.longValue() == -1) {
            throw new RowRejectedException("no label");
        }
        if (!node.isBoolean() && !node.isIntegralNumber() && !node.isTextual()) {
            throw new RowRejectedException("field " + labelField + " is not a boolean, an integer or a string");
        }
        Integer label = labels.get(node.asText());
        if (label == null) {
            throw new RowRejectedException("field " + labelField + " has a value that is not known");
        }
        return label;
    }
}
