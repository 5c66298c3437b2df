package dev.uncurl.corpus;

import com.fasterxml.jackson.databind.JsonNode;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import dev.uncurl.error.Nearest;
import dev.uncurl.error.Refusal;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/**
 * A task with answers to choose from: how a row becomes a prompt and its choices. The wording is data, a file
 * conf/task/&lt;task&gt;.conf.
 *
 * @param name {@code superglue/boolq}
 * @param version of the wording; stands in every result
 * @param fields of a row that the templates use; all are strings
 * @param selections words that depend on a field's value, by the name that templates call them
 * @param prompt the template of the prompt
 * @param choices the templates of the choices, each with what separates it from the prompt
 * @param labelField the row's field with the right answer
 * @param labels the index of the choice, by the label as text ({@code true}, {@code 1}, {@code entailment})
 * @param metrics names of what the task is measured by, the first before all
 */
public record TaskDefinition(
        String name,
        String version,
        List<String> fields,
        Map<String, Selection> selections,
        PromptTemplate prompt,
        List<PromptTemplate> choices,
        String labelField,
        Map<String, Integer> labels,
        List<String> metrics) {
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
     * @throws Refusal (usage) for a task that is not there, with those that are
     */
    public static TaskDefinition load(String name) {
        var known = known();
        if (!known.contains(name)) {
            throw Refusal.usage("task '" + name + "' is not known", Nearest.hint(name, known));
        }
        String file = FOLDER + name.substring(name.indexOf('/') + 1) + ".conf";
        Config config = ConfigFactory.parseResources(TaskDefinition.class.getClassLoader(), file);
        var task = TaskFile.bind(config, file);
        if (!task.name().equals(name)) {
            throw Refusal.usage(file + " is of task " + task.name(), "Set its name to " + name + ".");
        }
        return task;
    }

    /**
     * A row as an example, or the rejection of it. A row without a label, as those of test sets are, is rejected with
     * the reason "no label".
     */
    public Iterator<? extends Outcome> render(JsonNode row, String source, long offset, long line) {
        try {
            return examples(row, source, offset, line);
        } catch (RowRejectedException e) {
            var rejection = Rejection.at(name, source, line, offset, e.getMessage(), row.toString());
            return List.of(rejection).iterator();
        }
    }

    Iterator<Example> examples(JsonNode row, String source, long offset, long line) throws RowRejectedException {
        return List.of(example(row, source, offset, line)).iterator();
    }

    Example example(JsonNode row, String source, long offset, long line) throws RowRejectedException {
        var values = new HashMap<String, String>();
        for (String field : fields) {
            values.put(field, JsonRow.required(row, field));
        }
        for (var entry : selections.entrySet()) {
            String by = entry.getValue().by();
            String word = entry.getValue().cases().get(values.get(by));
            if (word == null) {
                throw new RowRejectedException("field " + by + " has a value that is not known");
            }
            values.put(entry.getKey(), word);
        }
        int label = label(row);
        var rendered = choices.stream().map(choice -> choice.render(values)).toList();
        return new Example(
                source,
                offset,
                line,
                0,
                0,
                name,
                prompt.render(values),
                rendered.get(label),
                rendered,
                label,
                List.of(label));
    }

    private int label(JsonNode row) throws RowRejectedException {
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
