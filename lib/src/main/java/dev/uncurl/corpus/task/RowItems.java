package dev.uncurl.corpus.task;

import com.fasterxml.jackson.databind.JsonNode;
import dev.uncurl.corpus.row.JsonRow;
import dev.uncurl.corpus.row.RowRejectedException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * The values of a row for the templates, with one item per example.
 *
 * @param items at least one
 */
record RowItems(List<Item> items) {
    /**
     * The values of one example, before rendering. Items of a row share their strings.
     *
     * @param group index of the question within the row, from 0
     * @param values by field
     * @param lists by list field
     * @param right indices of the right choices, ascending
     * @param answers for each choice the text that stands for it in a text metric; may be empty
     * @param splitText decides the split; null for prompt and right choice
     */
    record Item(
            int group,
            Map<String, String> values,
            Map<String, List<String>> lists,
            List<Integer> right,
            List<String> answers,
            String splitText) {
        /** An item whose choices are all that is compared. */
        Item(int group, Map<String, String> values, int right) {
            this(group, values, Map.of(), List.of(right), List.of(), null);
        }
    }

    /** The separators of Python's split(), which defines the words in which spans are counted. */
    private static final Pattern BLANKS = Pattern.compile("[\\s\\x1c-\\x1f]+", Pattern.UNICODE_CHARACTER_CLASS);

    private static RowItems one(Map<String, String> values, int label) {
        return new RowItems(List.of(new Item(0, values, label)));
    }

    static RowItems flat(TaskDefinition task, JsonNode row) throws RowRejectedException {
        var values = new HashMap<String, String>();
        for (String field : task.fields()) {
            values.put(field, JsonRow.required(row, field));
        }
        for (var entry : task.selections().entrySet()) {
            String by = entry.getValue().by();
            String word = entry.getValue().cases().get(values.get(by));
            if (word == null) {
                throw new RowRejectedException("field " + by + " has a value that is not known");
            }
            values.put(entry.getKey(), word);
        }
        var lists = new HashMap<String, List<String>>();
        for (String field : task.lists()) {
            lists.put(field, JsonRow.strings(row, field));
        }
        List<String> texts = task.choiceTexts(lists);
        int count = texts.isEmpty() ? task.choices().size() : texts.size();
        int label = task.label().of(row, count, texts);
        return new RowItems(List.of(new Item(0, values, lists, List.of(label), texts, null)));
    }

    static RowItems multirc(TaskDefinition task, JsonNode row) throws RowRejectedException {
        var passage = JsonRow.object(row, "passage");
        String paragraph = JsonRow.required(passage, "text");
        var items = new ArrayList<Item>();
        int group = 0;
        for (JsonNode question : JsonRow.objects(passage, "questions")) {
            String text = JsonRow.required(question, "question");
            for (JsonNode answer : JsonRow.objects(question, "answers")) {
                var values =
                        Map.of("paragraph", paragraph, "question", text, "answer", JsonRow.required(answer, "text"));
                items.add(new Item(
                        group, values, task.label().of(answer, task.choices().size(), List.of())));
            }
            group++;
        }
        if (items.isEmpty()) {
            throw new RowRejectedException("no answers");
        }
        return new RowItems(items);
    }

    static RowItems wic(TaskDefinition task, JsonNode row) throws RowRejectedException {
        String sentence = JsonRow.required(row, "sentence1");
        String word = word(row, sentence, "1");
        String other = JsonRow.required(row, "sentence2");
        if (row.has("start2") || row.has("end2")) {
            word(row, other, "2"); // not used in the prompt, but a row with a wrong position is rejected
        }
        return one(
                Map.of("sentence1", sentence, "sentence2", other, "word", word),
                task.label().of(row, task.choices().size(), List.of()));
    }

    /** Returns the whole words from start (inclusive) to end (exclusive), both counted in code points, as in Python. */
    private static String word(JsonNode row, String sentence, String number) throws RowRejectedException {
        int start = JsonRow.integer(row, "start" + number);
        int end = JsonRow.integer(row, "end" + number);
        String names = "start" + number + " and end" + number;
        if (start < 0 || end <= start || sentence.codePointCount(0, sentence.length()) < end) {
            throw new RowRejectedException(names + " are not in sentence" + number);
        }
        int from = sentence.offsetByCodePoints(0, start);
        int to = sentence.offsetByCodePoints(from, end - start);
        if (!Words.whole(sentence, from, to)) {
            throw new RowRejectedException(names + " are not at the ends of words of sentence" + number);
        }
        return sentence.substring(from, to);
    }

    /**
     * Spans are counted in words. As in lm-evaluation-harness, each run of white space before the pronoun becomes one
     * space, and a noun that does not occur in the text is corrected: the case of its first letter and a final full
     * stop. Two errors of the harness are not copied. It moves a space if the pronoun is the first word. If the pronoun
     * is not the word at its index, it overwrites whatever word is at this index; here such a row is rejected.
     */
    static RowItems wsc(TaskDefinition task, JsonNode row) throws RowRejectedException {
        String text = JsonRow.required(row, "text");
        var target = JsonRow.object(row, "target");
        String pronoun = JsonRow.required(target, "span2_text");
        var words = BLANKS.matcher(text);
        var before = new StringBuilder();
        int start = words.lookingAt() ? words.end() : 0;
        int index = JsonRow.integer(target, "span2_index");
        for (; index > 0 && words.find(start); index--) {
            before.append(text, start, words.start()).append(' ');
            start = words.end();
        }
        int end = words.find(start) ? words.start() : text.length();
        int at = Words.find(text.substring(start, end), pronoun);
        if (at < 0 || index != 0) {
            throw new RowRejectedException("span2_text is not at span2_index");
        }
        String word = text.substring(start + at, start + at + pronoun.length());
        String passage = before.append(text, start, start + at)
                .append('*')
                .append(word)
                .append('*')
                .append(text, start + at + word.length(), text.length())
                .toString();
        String noun = noun(text, JsonRow.required(target, "span1_text"));
        return one(
                Map.of("passage", passage, "noun", noun, "pronoun", word),
                task.label().of(row, task.choices().size(), List.of()));
    }

    private static String noun(String text, String noun) {
        if (text.contains(noun)) {
            return noun;
        }
        String corrected = noun.replace('\n', ' ');
        corrected = corrected.endsWith(".") ? corrected.substring(0, corrected.length() - 1) : corrected;
        int at = corrected.isEmpty() ? -1 : Words.find(text, corrected);
        return at < 0 ? noun : text.charAt(at) + corrected.substring(1);
    }
}
