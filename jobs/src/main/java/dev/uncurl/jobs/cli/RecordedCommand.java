package dev.uncurl.jobs.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import picocli.CommandLine.Model.CommandSpec;

/**
 * The command line that is recorded in manifests and tables, to run a command again: every argument, quoted for the
 * shell. Possible secrets are masked.
 */
public final class RecordedCommand {
    private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_@%+=:,./-]+");

    /** The value of a key whose name suggests a secret; train.tokens does not match. */
    private static final Pattern SECRET = Pattern.compile(
            "(?i)((?:password|passwd|secret|credentials?|access[._-]?key|api[._-]?key|token|signature|sig)"
                    + "(?:[._-][a-z]+)*=)[^&\\s]+");

    /** User name and password before the host of a URI. */
    private static final Pattern USER = Pattern.compile("://[^/@:\\s]*:[^/@\\s]*@");

    private RecordedCommand() {}

    /** The line of the command that is running. */
    public static String of(CommandSpec command) {
        List<String> arguments = command.root().commandLine().getParseResult().originalArgs();
        return of(arguments);
    }

    /** The line with these arguments; the default warehouse is added when none is named. */
    public static String of(List<String> arguments) {
        var all = new ArrayList<>(arguments);
        all.remove("--debug"); // does not affect outputs
        if (all.stream().noneMatch(argument -> argument.equals("--warehouse") || argument.startsWith("--warehouse="))) {
            all.addAll(List.of("--warehouse", WarehouseOptions.DEFAULT));
        }
        return "jobs/submit " + all.stream().map(RecordedCommand::quoted).collect(Collectors.joining(" "));
    }

    private static String quoted(String argument) {
        String shown =
                USER.matcher(SECRET.matcher(argument).replaceAll("$1***")).replaceAll("://***@");
        return PLAIN.matcher(shown).matches() ? shown : "'" + shown.replace("'", "'\\''") + "'";
    }
}
