package dev.uncurl.corpus;

import com.typesafe.config.ConfigFactory;
import dev.uncurl.error.Nearest;
import dev.uncurl.error.UserError;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * Guesses the language of a text at low cost. The rule takes the words (runs of letters, in lower case) in the first
 * 20,000 characters and computes, for each language, the share of words that are function words of the language
 * according to conf/language.conf. The result is the language with the largest share if this share is at least 15% and
 * the text has at least 5 words; otherwise it is {@code und}, undetermined.
 *
 * <p>Running prose of a listed language has a share of 30 to 50%; other languages and tables mostly have less than 10%.
 * A text that mixes languages counts as the language that fills most of it. Languages that are written without spaces,
 * or that are not in the file, are undetermined.
 */
public final class LanguageRule {
    /** The tag of a text whose language the rule cannot determine. */
    public static final String UNDETERMINED = "und";

    private static final String FILE = "conf/language.conf";
    private static final int CHARACTERS = 20_000;
    private static final int FEWEST_WORDS = 5;
    private static final double SMALLEST_SHARE = 0.15;

    private final List<String> tags;
    private final Map<String, long[]> languagesOfWord = new HashMap<>();

    private LanguageRule(Map<String, List<String>> words) {
        tags = List.copyOf(words.keySet());
        for (int tag = 0; tag < tags.size(); tag++) {
            for (String word : words.get(tags.get(tag))) {
                languagesOfWord.computeIfAbsent(word, w -> new long[1])[0] |= 1L << tag;
            }
        }
    }

    /** The rule over the languages of conf/language.conf. */
    public static LanguageRule load() {
        var config = ConfigFactory.parseResources(LanguageRule.class.getClassLoader(), FILE);
        var words = new TreeMap<String, List<String>>();
        config.root().keySet().forEach(tag -> words.put(tag, config.getStringList(tag)));
        return new LanguageRule(words);
    }

    /** @throws UserError (usage) for a tag that the rule never returns */
    void requireKnown(Collection<String> wanted) {
        for (String tag : wanted) {
            if (!tags.contains(tag) && !tag.equals(UNDETERMINED)) {
                throw UserError.usage("language '" + tag + "' is not known", Nearest.hint(tag, tags));
            }
        }
    }

    /** The language's tag, such as en, or {@code und}. */
    public String tag(String text) {
        int[] hits = new int[tags.size()];
        int words = 0;
        int end = Math.min(text.length(), CHARACTERS);
        for (int i = 0; i < end; i++) {
            if (Character.isLetter(text.charAt(i))) {
                int start = i;
                while (i < end && Character.isLetter(text.charAt(i))) {
                    i++;
                }
                words++;
                count(text.substring(start, i), hits);
            }
        }
        int best = 0;
        for (int tag = 1; tag < hits.length; tag++) {
            best = hits[tag] > hits[best] ? tag : best;
        }
        return words >= FEWEST_WORDS && hits[best] >= SMALLEST_SHARE * words ? tags.get(best) : UNDETERMINED;
    }

    private void count(String word, int[] hits) {
        long[] languages = languagesOfWord.get(word.toLowerCase(Locale.ROOT));
        if (languages != null) {
            for (long left = languages[0]; left != 0; left &= left - 1) {
                hits[Long.numberOfTrailingZeros(left)]++;
            }
        }
    }
}
