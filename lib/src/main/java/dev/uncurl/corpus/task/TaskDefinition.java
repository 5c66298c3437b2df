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
 * A task with answers to choose from: how a row becomes a prompt and its choices. The wording is data, a file
 * conf/task/&lt;task&gt;.conf.
 *
 * @param name {@code superglue/boolq}
 * @param version of the wording; stands in every result
 * @param shape how a row is built
 * @param fields that the shape gives to the templates; of a flat row, its own
 * @param selections words that depend on a field's value, by the name that templates call them
 * @param repeated templates that are filled once for each value of a list, by the name that the prompt calls them
 * @param prompt the template of the prompt
 * @param choices the templates of the choices, each with what separates it from the prompt; or one that uses a list,
 *     for a choice for each of its values
 * @param labelField the field with the right answer; empty where the shape knows it
 * @param labels the index of the choice, by the label as text ({@code true}, {@code 1}, {@code entailment})
 * @param metrics what the task is measured by, the first before all
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
     * A word chosen by a field's value.
     *
     * @param by the field
     * @param cases the word for each value
     */
    public record Selection(String by, Map<String, String> cases) {}

    /** The names of all tasks, as conf/task/index.conf lists them. */
    public static List<String> known() {
        return ConfigFactory.parseResources(TaskDefinition.class.getClassLoader(), FOLDER + "index.conf")
                .getStringList("tasks");
    }

    /**
     * The task of that name.
     *
     * @param name {@code superglue/boolq}
     * @throws UserError (usage) for a task that is not there, with those that are
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
            throw UserError.usage(file + " is of task " + task.name(), "Set its name to " + name + ".");
        }
        return task;
    }

    /**
     * A row's examples, one or more, or the rejection of it: a row is taken or refused as a whole. A row without a
     * label, as those of test sets are, is refused with the reason "no label".
     */
    public Iterator<? extends Outcome> render(JsonNode row, String source, long offset, long line) {
        try {
            return examples(row, source, offset, line);
        } catch (RowRejectedException e) {
            var rejection = Rejection.at(name, source, line, offset, e.getMessage(), row.toString());
            return List.of(rejection).iterator();
        }
    }

    /** The row's examples: the row is checked as a whole, each example is made when it is asked for. */
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

    /** A template filled; where it uses a list, once for each of the list's values. */
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
