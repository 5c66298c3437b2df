package dev.uncurl.corpus.task;

import com.fasterxml.jackson.databind.JsonNode;
import dev.uncurl.corpus.ContentHash;
import dev.uncurl.corpus.Example;
import dev.uncurl.corpus.Outcome;
import dev.uncurl.corpus.Rejection;
import dev.uncurl.corpus.row.RowRejectedException;
import dev.uncurl.error.Nearest;
import dev.uncurl.error.UserError;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * A task with choices: converts a row to a prompt and its choices. The wording is data, in a file of the folder conf/task
 * or of the user's own; conf/task/README.md describes it.
 *
 * @param name {@code superglue/boolq}
 * @param version of the wording; recorded in every result
 * @param shape structure of a row
 * @param fields that the templates can use: those of the shape, or for a flat row those of the file
 * @param lists fields with several values: those of the shape, or for a flat row those of the file
 * @param selections words that depend on the value of a field, by the name that templates use
 * @param repeated templates that are filled once for each value of a list, by the name that the prompt uses
 * @param prompt the template of the prompt; if it renders to nothing, choices follow the end-of-text token
 * @param choices the templates of the choices, each including the separator between prompt and choice; or one template
 *     that uses a list and gives one choice for each value of the list
 * @param label how the right choice of a row is found
 * @param metrics metrics of the task, the main one first
 */
public record TaskDefinition(
        String name,
        String version,
        RowShape shape,
        List<String> fields,
        List<String> lists,
        Map<String, Selection> selections,
        Map<String, PromptTemplate> repeated,
        PromptTemplate prompt,
        List<PromptTemplate> choices,
        TaskLabel label,
        List<TaskMetric> metrics) {
    /** The ending of a task's file. */
    public static final String ENDING = ".conf";

    /**
     * A word that depends on the value of a field.
     *
     * @param by the field
     * @param cases the word for each value
     */
    public record Selection(String by, Map<String, String> cases) {}

    /** The names of the tasks in conf/task, sorted. */
    public static List<String> known() {
        return TaskFolder.names();
    }

    /**
     * Loads a task of conf/task.
     *
     * @param name such as {@code superglue/boolq}
     * @throws UserError (usage) if there is no such task, with the nearest name
     */
    public static TaskDefinition load(String name) {
        return find(name).orElseThrow(() -> {
            var known = known();
            return UserError.usage("task '" + name + "' is not known", Nearest.hint(name, known));
        });
    }

    /** Finds a task of conf/task by its name; empty if there is none. */
    public static Optional<TaskDefinition> find(String name) {
        return TaskFolder.find(name);
    }

    /**
     * Returns the text of a task's file; null if the name is no path of one.
     *
     * @param name of a format or task, or a path that ends with {@value #ENDING}
     * @throws UserError (usage) if the file cannot be read
     */
    public static String fileText(String name) {
        return name.endsWith(ENDING) ? TaskFile.read(name) : null;
    }

    /**
     * Parses the text of a task's file.
     *
     * @param file its name, for messages
     * @throws UserError (usage) if the text is invalid; the message names the file and the key
     */
    public static TaskDefinition parse(String text, String file) {
        return TaskFile.parse(text, file);
    }

    /**
     * Tells examples from those that release 0.1.0 made of the same rows: of ReCoRD's, which had no answers, and the
     * line end of the prompt in the prompt. Empty if they are the same.
     */
    public Optional<String> exampleForm() {
        return shape == RowShape.RECORD ? Optional.of("2") : Optional.empty();
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
        for (RowItems.Item item : items) {
            check(item);
        }
        return IntStream.range(0, items.size())
                .mapToObj(part -> example(items.get(part), part, source, offset, line))
                .iterator();
    }

    /**
     * Refuses choices that cannot be scored or told apart. The choices of ReCoRD are distinct and not blank by their
     * making, and may be too many to be created twice.
     */
    private void check(RowItems.Item item) throws RowRejectedException {
        if (shape == RowShape.RECORD) {
            return;
        }
        List<String> rendered = choices(item, values(item));
        if (rendered.stream().anyMatch(String::isBlank)) {
            throw new RowRejectedException("a choice is blank");
        }
        var right = new HashSet<String>();
        item.right().forEach(i -> right.add(rendered.get(i)));
        boolean same = IntStream.range(0, rendered.size())
                .anyMatch(i -> !item.right().contains(i) && right.contains(rendered.get(i)));
        if (same) {
            throw new RowRejectedException("a right and a wrong choice are equal");
        }
    }

    /** The list that gives the choices, without their wording; empty if each choice has a template of its own. */
    List<String> choiceTexts(Map<String, List<String>> values) {
        return choices.get(0).fields().stream()
                .filter(values::containsKey)
                .findFirst()
                .map(values::get)
                .orElse(List.of());
    }

    private Map<String, String> values(RowItems.Item item) {
        var values = new HashMap<>(item.values());
        repeated.forEach((field, template) -> values.put(field, String.join("", rendered(template, item, values))));
        return values;
    }

    private List<String> choices(RowItems.Item item, Map<String, String> values) {
        return choices.stream()
                .flatMap(choice -> rendered(choice, item, values).stream())
                .toList();
    }

    private Example example(RowItems.Item item, int part, String source, long offset, long line) {
        var values = values(item);
        String inputs = prompt.render(values);
        List<String> rendered = choices(item, values);
        List<Integer> order = order(inputs, rendered);
        List<Integer> right = item.right().stream().map(order::indexOf).sorted().toList();
        int label = right.get(0);
        List<String> ordered = order.stream().map(rendered::get).toList();
        String targets = ordered.get(label);
        return new Example(
                source,
                offset,
                line,
                part,
                item.group(),
                name,
                inputs,
                targets,
                ordered,
                label,
                right,
                item.answers().isEmpty()
                        ? List.of()
                        : order.stream().map(item.answers()::get).toList(),
                item.splitText() == null ? inputs + targets : item.splitText());
    }

    /**
     * The places of the choices: their own or, where the first choice is always right, by the hash of prompt and
     * choice. So a predictor that always gives the same index is right by chance only.
     */
    private List<Integer> order(String inputs, List<String> rendered) {
        var places = IntStream.range(0, rendered.size()).boxed();
        return shape.rightFirst() || label instanceof TaskLabel.First
                ? places.sorted(Comparator.comparing(i ->
                                ContentHash.of(inputs + "\n" + rendered.get(i)).hex()))
                        .toList()
                : places.toList();
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
}
