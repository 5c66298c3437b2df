package dev.uncurl.jobs;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;

/** Names from all of Unicode, among them those that names of files and folders have trouble with. */
public final class DrawnNames {
    private static final String AWKWARD =
            "/\\:.%+~_-aAzZ09 '\"\0\n\t\u007f\u0085\u200b\u0130\u0131\u00e9\u0301\u3042\ud83d\ude00\ud800";

    private DrawnNames() {}

    /** Any string, of 900 bytes at most; with halves of surrogate pairs. */
    public static Arbitrary<String> any() {
        Arbitrary<String> all = Arbitraries.strings().all().ofMaxLength(20);
        Arbitrary<String> awkward =
                Arbitraries.strings().withChars(AWKWARD.toCharArray()).ofMaxLength(6);
        Arbitrary<String> large = Arbitraries.strings()
                .withChars("aA.\u3042".toCharArray())
                .ofMinLength(90)
                .ofMaxLength(300);
        Arbitrary<String> known = Arbitraries.of(
                "",
                ".",
                "..",
                "a/b",
                "a__b",
                "a_b",
                "a%2fb",
                "a%2Fb",
                "a+b",
                "../../../victim",
                ".hidden",
                "_hidden",
                "a.",
                "\u00e9",
                "e\u0301",
                "B",
                "b",
                "b/c",
                "c");
        return Arbitraries.oneOf(all, awkward, large, known);
    }

    /** Names of corpora that are possible, and easily mistaken for each other. */
    public static Arbitrary<String> corpus() {
        return Arbitraries.of("a", "a/b", "a/b/c", "a_b", "a__b", "a.b", "ab", "a/bc", "b", "a/b".repeat(40));
    }
}
