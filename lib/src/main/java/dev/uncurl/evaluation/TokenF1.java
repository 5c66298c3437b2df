package dev.uncurl.evaluation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleBiFunction;
import java.util.regex.Pattern;

/**
 * SQuAD's F1 over the words that a predicted answer shares with a right one (Rajpurkar et al. 2016), which is ReCoRD's
 * {@code f1} too: the maximum over the right answers. Words are compared in lower case, without ASCII punctuation and without
 * the articles a, an, the. As in lm-evaluation-harness, an answer without words equals only another one without.
 */
public final class TokenF1 {
    private static final Pattern PUNCTUATION = Pattern.compile("\\p{Punct}");
    private static final Pattern ARTICLE = Pattern.compile("\\b(a|an|the)\\b", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern SPACE = Pattern.compile("\\s+", Pattern.UNICODE_CHARACTER_CLASS);

    private TokenF1() {}

    /** Between 0 and 1. @param answers the right ones, at least one */
    public static double of(String prediction, Collection<String> answers) {
        return best(prediction, answers, TokenF1::f1);
    }

    /** Whether the prediction has the words of one of the answers, in order; the harness's {@code em}. */
    public static boolean isExact(String prediction, Collection<String> answers) {
        return best(prediction, answers, (a, b) -> a.equals(b) ? 1 : 0) == 1;
    }

    private static double best(
            String prediction, Collection<String> answers, ToDoubleBiFunction<List<String>, List<String>> score) {
        List<String> words = words(prediction);
        return answers.stream()
                .mapToDouble(answer -> score.applyAsDouble(words, words(answer)))
                .max()
                .orElseThrow(
                        () -> new IllegalArgumentException("No right answer to compare '" + prediction + "' with"));
    }

    private static double f1(List<String> prediction, List<String> answer) {
        if (prediction.isEmpty() || answer.isEmpty()) {
            return prediction.equals(answer) ? 1 : 0;
        }
        var left = new ArrayList<>(answer);
        long common = prediction.stream().filter(left::remove).count();
        return 2.0 * common / (prediction.size() + answer.size());
    }

    /** The words of an answer, normalized. */
    static List<String> words(String answer) {
        String plain = PUNCTUATION.matcher(answer.toLowerCase(Locale.ROOT)).replaceAll("");
        return Arrays.stream(SPACE.split(ARTICLE.matcher(plain).replaceAll(" ")))
                .filter(word -> !word.isEmpty())
                .toList();
    }
}
