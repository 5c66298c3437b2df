package dev.uncurl.config;

import dev.uncurl.error.UserError;

/** The one check that configuration records make of their values. */
public final class Check {
    private Check() {}

    /** @throws UserError (usage) that names the key, its value and what would be right */
    public static void check(boolean holds, String key, Object value, String wanted) {
        if (!holds) {
            throw UserError.usage(key + " = " + value + " is not possible", "Set " + key + " to " + wanted + ".");
        }
    }
}
