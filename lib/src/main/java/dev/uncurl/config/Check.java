package dev.uncurl.config;

import dev.uncurl.error.Refusal;

/** The one check that configuration records make of their values. */
final class Check {
    private Check() {}

    /** @throws Refusal (usage) that names the key, its value and what would be right */
    static void check(boolean holds, String key, Object value, String wanted) {
        if (!holds) {
            throw Refusal.usage(key + " = " + value + " is not possible", "Set " + key + " to " + wanted + ".");
        }
    }
}
