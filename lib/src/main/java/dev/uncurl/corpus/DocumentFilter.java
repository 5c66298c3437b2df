package dev.uncurl.corpus;

import dev.uncurl.error.UserError;
import java.text.Normalizer;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Which documents are kept, by their text alone. Immutable; shared between threads.
 *
 * @param minimumCharacters Unicode characters that a text has at least; 0: no limit
 * @param maximumCharacters that it has at most; Integer.MAX_VALUE: no limit
 * @param languages tags of {@link LanguageRule}, {@code und} too, that are kept; empty: all
 * @param normalization what is done to each text before anything else looks at it
 * @param rule that gives the tags
 */
public record DocumentFilter(
        int minimumCharacters,
        int maximumCharacters,
        Set<String> languages,
        Normalization normalization,
        LanguageRule rule) {

    /** A change of a text's characters. */
    public enum Normalization {
        /** The text as it stands. */
        NONE,
        /** Unicode's canonical composition: an e and an accent that follows become one character. */
        NFC;

        /** @return the same object where nothing changes */
        public String apply(String text) {
            return switch (this) {
                case NONE -> text;
                case NFC -> Normalizer.isNormalized(text, Normalizer.Form.NFC)
                        ? text
                        : Normalizer.normalize(text, Normalizer.Form.NFC);
            };
        }
    }

    /** Keeps everything as it is. */
    public static DocumentFilter none() {
        return of(0, Integer.MAX_VALUE, Set.of(), Normalization.NONE);
    }

    /** @throws UserError (usage) for limits that exclude each other or a language that the rule does not know */
    public static DocumentFilter of(
            int minimumCharacters, int maximumCharacters, Set<String> languages, Normalization normalization) {
        return new DocumentFilter(minimumCharacters, maximumCharacters, languages, normalization, LanguageRule.load());
    }

    public DocumentFilter {
        if (minimumCharacters < 0 || maximumCharacters < 1 || minimumCharacters > maximumCharacters) {
            throw UserError.usage(
                    "characters from " + minimumCharacters + " to " + maximumCharacters + " are not possible",
                    "Set a minimum from 0 and a maximum that is not below it.");
        }
        languages = Set.copyOf(languages);
        rule.requireKnown(languages);
    }

    /**
     * Why a text, already normalised, is dropped; empty for one that is kept. One of a small set of phrases, to be
     * counted by: {@code shorter than 200 characters}, {@code longer than 100000 characters}, {@code language de}.
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

    /** What it does, to stand among what a run was made from; the same for filters that keep the same. */
    public String description() {
        return "characters " + minimumCharacters + ".." + maximumCharacters + ", languages "
                + (languages.isEmpty() ? "all" : String.join(" ", new TreeSet<>(languages))) + ", normalization "
                + normalization.name().toLowerCase(java.util.Locale.ROOT);
    }
}
