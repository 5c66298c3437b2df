package dev.uncurl.corpus;

import dev.uncurl.error.UserError;
import java.text.Normalizer;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Decides by its text whether a document is kept. Immutable and thread-safe.
 *
 * @param minimumCharacters smallest number of Unicode characters of a text; 0: no limit
 * @param maximumCharacters largest number of Unicode characters; Integer.MAX_VALUE: no limit
 * @param languages tags of {@link LanguageRule} to keep, which may include {@code und}; empty: all
 * @param normalization applied to each text before all other checks
 * @param rule determines the language tag of a text
 */
public record DocumentFilter(
        int minimumCharacters,
        int maximumCharacters,
        Set<String> languages,
        Normalization normalization,
        LanguageRule rule) {

    /** A change of a text's characters. */
    public enum Normalization {
        /** No change. */
        NONE,
        /** Unicode's canonical composition: an e followed by a combining accent becomes one character. */
        NFC;

        /** @return the normalised text; the same object if nothing changes */
        public String apply(String text) {
            return switch (this) {
                case NONE -> text;
                case NFC -> Normalizer.isNormalized(text, Normalizer.Form.NFC)
                        ? text
                        : Normalizer.normalize(text, Normalizer.Form.NFC);
            };
        }
    }

    /** A filter that keeps all documents unchanged. */
    public static DocumentFilter none() {
        return of(0, Integer.MAX_VALUE, Set.of(), Normalization.NONE);
    }

    /** @throws UserError (usage) if the limits contradict each other or the rule does not know a language */
    public static DocumentFilter of(
            int minimumCharacters, int maximumCharacters, Set<String> languages, Normalization normalization) {
        return new DocumentFilter(minimumCharacters, maximumCharacters, languages, normalization, LanguageRule.load());
    }

    public DocumentFilter {
        if (minimumCharacters < 0 || maximumCharacters < 1 || minimumCharacters > maximumCharacters) {
            throw UserError.usage(
                    "a range of " + minimumCharacters + " to " + maximumCharacters + " characters is not possible",
                    "Set a minimum of 0 or more, and a maximum of at least the minimum and at least 1.");
        }
        languages = Set.copyOf(languages);
        rule.requireKnown(languages);
    }

    /**
     * Why a normalised text is dropped; empty if it is kept. The reason is one of a small set of phrases, so that it
     * can be used as a key of counts: {@code shorter than 200 characters}, {@code longer than 100000 characters},
     * {@code language de}.
     */
    public Optional<String> reasonToDrop(String text) {
        if (text.length() < 2L * minimumCharacters && text.codePointCount(0, text.length()) < minimumCharacters) {
            return Optional.of("shorter than " + minimumCharacters + " characters");
        }
        if (text.length() > maximumCharacters && text.codePointCount(0, text.length()) > maximumCharacters) {
            return Optional.of("longer than " + maximumCharacters + " characters");
        }
        if (!languages.isEmpty()) {
            String tag = rule.tag(text);
            if (!languages.contains(tag)) {
                return Optional.of("language " + tag);
            }
        }
        return Optional.empty();
    }

    /** Describes the filter for the recorded inputs of a run. Filters with equal settings have equal descriptions. */
    public String description() {
        return "characters " + minimumCharacters + ".." + maximumCharacters + ", languages "
                + (languages.isEmpty() ? "all" : String.join(" ", new TreeSet<>(languages))) + ", normalization "
                + normalization.name().toLowerCase(java.util.Locale.ROOT);
    }
}
