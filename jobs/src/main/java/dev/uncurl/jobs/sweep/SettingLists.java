package dev.uncurl.jobs.sweep;

import static dev.uncurl.config.Check.check;

import dev.uncurl.error.UserError;
import java.util.HashSet;
import java.util.List;

/** Checks of settings that are lists. */
final class SettingLists {
    private SettingLists() {}

    /** @throws UserError (usage) if there is no list, or nothing in it */
    static void requireSome(String key, List<?> values) {
        check(values != null && !values.isEmpty(), key, values, "a list with one or more");
    }

    /** @throws UserError (usage) if a value is there twice */
    static void requireDistinct(List<?> values) {
        if (new HashSet<>(values).size() < values.size()) {
            throw UserError.usage("A list of the sweep names a value twice: " + values, "Name each once.");
        }
    }
}
