package dev.uncurl.jobs.evaluate;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * ReCoRD's F1 of an answer: the words that it shares with a right answer. As in the evaluation script of SQuAD (Rajpurkar
 * et al. 2016), texts are compared in lower case, without ASCII punctuation and without the words a, an and the; as in
 * lm-evaluation-harness, two texts without words are equal.
 */
final class TokenF1 {
    private static final Pattern PUNCTUATION = Pattern.compile("[!-/:-@\\[-`{-~]");
    private static final Pattern ARTICLES = Pattern.compile("\\b(?:a|an|the)\\b", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern BLANKS = Pattern.compile("\\s+", Pattern.UNICODE_CHARACTER_CLASS);

    private TokenF1() {}

    /** The highest F1 over the right answers, 0 to 1. */
    static double best(String answer, List<String> right) {
        return right.stream().mapToDouble(one -> of(answer, one)).max().orElse(0);
    }

    /** 2 P R / (P + R) of the words that both texts have, counted as often as they occur; 0 if they share none. */
    static double of(String answer, String right) {
        List<String> said = words(answer);
        List<String> wanted = words(right);
        if (said.isEmpty() || wanted.isEmpty()) {
            return said.equals(wanted) ? 1 : 0;
        }
        Map<String, Integer> left = new HashMap<>();
        wanted.forEach(word -> left.merge(word, 1, Integer::sum));
        int shared = 0;
        for (String word : said) {
            if (left.merge(word, -1, Integer::sum) >= 0) {
                shared++;
            }
        }
        if (shared == 0) {
            return 0;
        }
        double precision = (double) shared / said.size();
        double recall = (double) shared / wanted.size();
        return 2 * precision * recall / (precision + recall);
    }

    private static List<String> words(String text) {
        String plain = PUNCTUATION.matcher(text.toLowerCase(Locale.ROOT)).replaceAll("");
        return Arrays.stream(BLANKS.split(ARTICLES.matcher(plain).replaceAll(" ")))
                .filter(word -> !word.isEmpty())
                .toList();
    }
}
