package dev.uncurl.jobs.warehouse;

import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Compares the inputs of an existing output with those of the command. */
public final class InputDiff {
    private InputDiff() {}

    /** One line per name whose values differ. */
    public static String differences(Map<String, String> made, Map<String, String> asked) {
        var names = new TreeSet<>(made.keySet());
        names.addAll(asked.keySet());
        return names.stream()
                .filter(name -> !Objects.equals(made.get(name), asked.get(name)))
                .map(name -> "\n    " + name + ": " + made.get(name) + " there, " + asked.get(name) + " asked for")
                .collect(Collectors.joining());
    }
}
