package dev.uncurl.config;

import dev.uncurl.error.UserError;

/** Validation of the values of configuration records. */
public final class Check {
    private Check() {}

    /** @throws UserError (usage) with the key, its value and what is valid, unless {@code holds} */
    public static void check(boolean holds, String key, Object value, String wanted) {
        if (!holds) {
            throw UserError.usage(key + " = " + value + " is not possible", "Set " + key + " to " + wanted + ".");
        }
    }
}
