package dev.uncurl.corpus.task;

import java.util.ArrayList;
import java.util.List;

/**
 * Writes the sentences of test-data/minimal-pairs/pairs.jsonl: {@value #EACH} pairs for each of six phenomena, from words
 * that books have. The two sentences of a pair differ in one word or in the order of two.
 */
final class MinimalPairs {
    static final int EACH = 60;

    private static final List<String> PEOPLE = List.of(
            "man", "woman", "king", "boy", "girl", "brother", "sister", "doctor", "soldier", "captain", "mother",
            "father");
    private static final List<String> MANY = List.of(
            "men",
            "women",
            "kings",
            "boys",
            "girls",
            "brothers",
            "sisters",
            "doctors",
            "soldiers",
            "captains",
            "mothers",
            "fathers");
    private static final List<String> PLACES =
            List.of("near the", "behind the", "beside the", "before the", "beyond the", "with the");
    private static final List<String> THINGS =
            List.of("house", "door", "ship", "tree", "river", "letter", "horse", "stone", "window", "book", "table");
    private static final List<String> GOALS =
            List.of("house", "door", "ship", "tree", "river", "garden", "village", "stone", "window", "bridge", "road");
    private static final List<String> STATES =
            List.of("old", "poor", "quiet", "happy", "tired", "angry", "strong", "proud", "young", "tall");
    private static final List<String> ADJECTIVES =
            List.of("old", "dark", "little", "white", "great", "poor", "strange", "long", "quiet", "beautiful");
    /** Past participle and past tense, and what they are done to. */
    private static final List<String[]> VERBS = List.of(
            new String[] {"seen", "saw", "the ship"},
            new String[] {"written", "wrote", "a letter"},
            new String[] {"taken", "took", "the money"},
            new String[] {"given", "gave", "an answer"},
            new String[] {"broken", "broke", "the window"},
            new String[] {"spoken", "spoke", "the truth"},
            new String[] {"eaten", "ate", "the bread"},
            new String[] {"known", "knew", "the house"},
            new String[] {"chosen", "chose", "a place"},
            new String[] {"drawn", "drew", "a sword"});
    /** Someone, and the reflexives that fit and that do not. */
    private static final List<String[]> SELVES = List.of(
            new String[] {"The king", "himself", "herself"},
            new String[] {"The queen", "herself", "himself"},
            new String[] {"My mother", "herself", "himself"},
            new String[] {"My father", "himself", "themselves"},
            new String[] {"The boys", "themselves", "himself"},
            new String[] {"The women", "themselves", "herself"},
            new String[] {"His sister", "herself", "themselves"},
            new String[] {"Her brother", "himself", "herself"},
            new String[] {"The girls", "themselves", "himself"});

    private static final List<String> ACTS =
            List.of("hurt", "saw", "asked", "blamed", "hid", "saved", "washed", "told", "found", "threw", "lost");

    private MinimalPairs() {}

    /** The lines of the file. */
    static List<String> lines() {
        var lines = new ArrayList<String>();
        for (int i = 0; i < EACH; i++) {
            lines.add(agreement(i));
        }
        for (int i = 0; i < EACH; i++) {
            lines.add(determiner(i));
        }
        for (int i = 0; i < EACH; i++) {
            String[] verb = of(VERBS, i);
            String format = "The %s had %s %s.";
            String who = of(PEOPLE, i + i / VERBS.size());
            lines.add(line(
                    "participle", format.formatted(who, verb[0], verb[2]), format.formatted(who, verb[1], verb[2])));
        }
        for (int i = 0; i < EACH; i++) {
            String[] self = of(SELVES, i);
            String format = self[0] + " " + of(ACTS, i * 3 + i / SELVES.size()) + " %s.";
            lines.add(line("reflexive", format.formatted(self[1]), format.formatted(self[2])));
        }
        for (int i = 0; i < EACH; i++) {
            String format = "The " + of(PEOPLE, i) + " did%s see the " + of(THINGS, i * 5 + i / 12) + ".";
            lines.add(line(
                    "negation",
                    format.formatted(" not"),
                    format.replace(" did%s", "%s").formatted(" not did")));
        }
        for (int i = 0; i < EACH; i++) {
            String adjective = of(ADJECTIVES, i);
            String thing = of(GOALS, i * 3 + i / 10);
            String format = "They came to %s %s in the morning.";
            lines.add(line(
                    "word-order",
                    format.formatted("the " + adjective, thing),
                    format.formatted(adjective + " the", thing)));
        }
        return lines;
    }

    /** The verb agrees with its subject, not with the noun next to it. */
    private static String agreement(int i) {
        boolean one = i % 2 == 0;
        String subject = of(one ? PEOPLE : MANY, i);
        String other = of(one ? MANY : PEOPLE, i * 5 + 3 + i / 12);
        String format =
                "The " + subject + " " + of(PLACES, i) + " " + other + " %s very " + of(STATES, i * 3 + i / 10) + ".";
        return line("agreement", format.formatted(one ? "was" : "were"), format.formatted(one ? "were" : "was"));
    }

    /** This and that are of one, these and those of many. */
    private static String determiner(int i) {
        boolean one = i % 2 == 0;
        boolean near = i / 2 % 2 == 0;
        String noun = of(one ? PEOPLE : MANY, i * 5 + i / 12);
        String singular = near ? "this" : "that";
        String plural = near ? "these" : "those";
        String format = "He had never seen %s " + noun + " " + of(List.of("before", "again", "at home"), i) + ".";
        return line("determiner", format.formatted(one ? singular : plural), format.formatted(one ? plural : singular));
    }

    private static <T> T of(List<T> values, int i) {
        return values.get(i % values.size());
    }

    private static String line(String phenomenon, String good, String bad) {
        return "{\"sentence_good\": \"" + good + "\", \"sentence_bad\": \"" + bad + "\", \"phenomenon\": \""
                + phenomenon + "\"}";
    }
}
