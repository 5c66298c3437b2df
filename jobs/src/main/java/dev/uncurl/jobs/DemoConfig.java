package dev.uncurl.jobs;

import static dev.uncurl.config.Check.check;

import java.util.List;

/**
 * A sequence of commands.
 *
 * @param steps command lines, words separated by spaces; {@value #FOLDER} stands for the local folder of the demo's files
 * @param queries SQL statements that the demo suggests at its end
 */
public record DemoConfig(List<String> steps, List<String> queries) {
    /** The folder of the warehouse, or the current one if the warehouse is in another file system. */
    static final String FOLDER = "{warehouse}";

    public DemoConfig {
        check(steps != null && !steps.isEmpty(), "steps", steps, "command lines");
        check(queries != null, "queries", null, "SQL statements, or []");
    }
}
