package dev.uncurl.error;

import java.util.Collection;
import java.util.Comparator;
import org.apache.commons.text.similarity.LevenshteinDistance;

/** Suggests the valid name that a misspelt one probably stands for. */
public final class Nearest {
    private Nearest() {}

    /** A hint with the nearest valid name, if one is similar, and all valid names. */
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
