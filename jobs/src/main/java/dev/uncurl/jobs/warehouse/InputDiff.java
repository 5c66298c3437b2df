package dev.uncurl.jobs.warehouse;

import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** What an output was made from, as names and values that can be compared. */
public final class InputDiff {
    private InputDiff() {}

    /** A line for each name whose value differs. */
    public static String differences(Map<String, String> made, Map<String, String> asked) {
        var names = new TreeSet<>(made.keySet());
        names.addAll(asked.keySet());
        return names.stream()
                .filter(name -> !Objects.equals(made.get(name), asked.get(name)))
                .map(name -> "\n    " + name + ": " + made.get(name) + " there, " + asked.get(name) + " asked for")
                .collect(Collectors.joining());
    }
}
