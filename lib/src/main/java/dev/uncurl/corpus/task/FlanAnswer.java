package dev.uncurl.corpus.task;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The final answer in the targets of a FLAN row: what follows the last {@code The answer is} of a chain of thought, else
 * all of the targets.
 *
 * @param text without white space around it
 * @param thought whether it stood at the end of a chain of thought, in a sentence with a full stop
 */
record FlanAnswer(String text, boolean thought) {
    private static final Pattern CONCLUSION = Pattern.compile("(?s).*\\bThe answer is:?\\s+(.*)");
    private static final String THINKING = "Let's think step by step.";

    static FlanAnswer of(String targets) {
        Matcher conclusion = CONCLUSION.matcher(targets);
        return conclusion.matches()
                ? new FlanAnswer(conclusion.group(1).strip(), true)
                : new FlanAnswer(targets.strip(), false);
    }

    /** What may be meant: the text and, where it ends a sentence, the text without the full stop. */
    List<String> readings() {
        var readings = new ArrayList<>(List.of(text));
        if (thought && text.endsWith(".")) {
            readings.add(text.substring(0, text.length() - 1).strip());
        }
        return readings;
    }

    /** Inputs without white space around them and without the line that asks for a chain of thought. */
    static String withoutThinking(String inputs) {
        String text = inputs.strip();
        int end = text.length() - THINKING.length();
        return end >= 0 && text.regionMatches(true, end, THINKING, 0, THINKING.length())
                ? text.substring(0, end).strip()
                : text;
    }
}
