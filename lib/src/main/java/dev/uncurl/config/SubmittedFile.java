package dev.uncurl.config;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Optional;

/**
 * A configuration file of the machine that submitted the command, when the driver runs on another one: jobs/submit passes its
 * text along, as {@code -Duncurl.config=NAME:TEXT}, both in Base64.
 */
final class SubmittedFile {
    private static final String PROPERTY = "uncurl.config";

    private SubmittedFile() {}

    /** The text of the file, if it is the one that was passed along. */
    static Optional<String> named(String name) {
        String[] parts = System.getProperty(PROPERTY, "").split(":", 2);
        return parts.length == 2 && decoded(parts[0]).equals(name) ? Optional.of(decoded(parts[1])) : Optional.empty();
    }

    private static String decoded(String base64) {
        return new String(Base64.getDecoder().decode(base64), StandardCharsets.UTF_8);
    }
}
