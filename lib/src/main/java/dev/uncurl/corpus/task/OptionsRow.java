package dev.uncurl.corpus.task;

import com.fasterxml.jackson.databind.JsonNode;
import dev.uncurl.corpus.row.FlanRow;
import dev.uncurl.corpus.row.RowRejectedException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A row of FLAN whose inputs list the possible answers: a line {@code OPTIONS:}, in any case, and then one option per
 * line, as {@code - text}, {@code (A) text}, {@code [a] text}, {@code A. text} or {@code A) text}. Letters count from the
 * first of the alphabet. The block ends the inputs, but for FLAN's {@code Let's think step by step.}; or it begins them,
 * and the question follows. The targets are the text of an option, or its letter; a chain of thought ends with {@code The
 * answer is ...}. Options of equal text become one choice.
 */
final class OptionsRow {
    private static final Pattern HEADER = Pattern.compile("options:", Pattern.CASE_INSENSITIVE);
    private static final Pattern DASH = Pattern.compile("-(?:\\s+(.*))?");
    private static final Pattern LETTER =
            Pattern.compile("(?:\\(([A-Za-z])\\)(?:\\.(?=\\s|$))?|\\[([A-Za-z])]|([A-Za-z])[.)](?=\\s|$))\\s*(.*)");
    private static final Pattern ONE_LETTER = Pattern.compile("[(\\[]?([A-Za-z])[)\\]]?\\.?");

    private OptionsRow() {}

    /**
     * The inputs, taken apart.
     *
     * @param question without the options
     * @param texts of the options, in their order
     * @param lettered whether a letter stands before each option
     */
    private record Parts(String question, List<String> texts, boolean lettered) {}

    static RowItems items(JsonNode row) throws RowRejectedException {
        FlanRow flan = FlanRow.of(row);
        Parts parts = parts(flan.inputs());
        int right = right(parts, FlanAnswer.of(flan.targets()));
        var distinct = List.copyOf(new LinkedHashSet<>(parts.texts));
        if (distinct.size() < 2) {
            throw new RowRejectedException("fewer than two options");
        }
        return new RowItems(List.of(new RowItems.Item(
                0,
                Map.of("question", parts.question, "inputs", flan.inputs()),
                Map.of("option", distinct),
                List.of(distinct.indexOf(parts.texts.get(right))),
                distinct,
                flan.text())));
    }

    private static Parts parts(String inputs) throws RowRejectedException {
        List<String> lines = inputs.lines().toList();
        int header = lines.size() - 1;
        while (header >= 0 && !HEADER.matcher(lines.get(header).strip()).matches()) {
            header--;
        }
        if (header < 0) {
            throw new RowRejectedException("no line OPTIONS:");
        }
        var texts = new ArrayList<String>();
        boolean lettered = header + 1 < lines.size()
                && LETTER.matcher(lines.get(header + 1).strip()).matches();
        int end = header + 1;
        for (; end < lines.size(); end++) {
            String text = option(lines.get(end).strip(), lettered, texts.size());
            if (text == null) {
                break;
            }
            if (text.isEmpty()) {
                throw new RowRejectedException("an option is empty");
            }
            texts.add(text);
        }
        String before = String.join("\n", lines.subList(0, header)).strip();
        String after = FlanAnswer.withoutThinking(String.join("\n", lines.subList(end, lines.size())));
        if (before.isEmpty() == after.isEmpty()) {
            throw new RowRejectedException(before.isEmpty() ? "no question" : "text after the options");
        }
        return new Parts(before + after, texts, lettered);
    }

    /** Returns the text of a line's option; null if the line is not the next option. */
    private static String option(String line, boolean lettered, int index) {
        Matcher matcher = (lettered ? LETTER : DASH).matcher(line);
        if (!matcher.matches()) {
            return null;
        }
        if (!lettered) {
            return matcher.group(1) == null ? "" : matcher.group(1).strip();
        }
        String letter = matcher.group(1) != null
                ? matcher.group(1)
                : matcher.group(2) != null ? matcher.group(2) : matcher.group(3);
        return index(letter) == index ? matcher.group(4).strip() : null;
    }

    private static int index(String letter) {
        return Character.toLowerCase(letter.charAt(0)) - 'a';
    }

    /** Returns the index of the option that the answer names by its text or its letter. */
    private static int right(Parts parts, FlanAnswer answer) throws RowRejectedException {
        var named = new TreeSet<Integer>();
        for (String text : answer.readings()) {
            int index = parts.texts.indexOf(text);
            Matcher letter = ONE_LETTER.matcher(text);
            if (index >= 0) {
                named.add(index);
            }
            if (parts.lettered && letter.matches() && index(letter.group(1)) < parts.texts.size()) {
                named.add(index(letter.group(1)));
            }
        }
        if (named.isEmpty()) {
            throw new RowRejectedException("the target is not among the options");
        }
        if (named.stream().map(parts.texts::get).distinct().count() > 1) {
            throw new RowRejectedException("the target names two options");
        }
        return named.first();
    }
}
