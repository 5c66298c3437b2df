package dev.uncurl.error;

import java.util.Collection;
import java.util.Comparator;
import org.apache.commons.text.similarity.LevenshteinDistance;

/** What a misspelt name was probably meant to be. */
public final class Nearest {
    private Nearest() {}

    /** One sentence: the nearest of the valid names if one is near, and all of them. */
    public static String hint(String given, Collection<String> valid) {
        var distance = new LevenshteinDistance();
        String all = "Valid: " + String.join(", ", valid) + ".";
        return valid.stream()
                .min(Comparator.comparingInt(name -> distance.apply(given, name)))
                .filter(name -> distance.apply(given, name) <= Math.max(2, given.length() / 3))
                .map(name -> "Did you mean " + name + "? " + all)
                .orElse(all);
    }
}
