package dev.uncurl.jobs.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import picocli.CommandLine.Model.CommandSpec;

/**
 * The line that runs a command again, as it is recorded in manifests and tables: every argument, quoted for the shell.
 * What may be a secret is masked.
 */
public final class RecordedCommand {
    private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_@%+=:,./-]+");

    /** The value of a key that is named like a secret; train.tokens is none. */
    private static final Pattern SECRET = Pattern.compile(
            "(?i)((?:password|passwd|secret|credentials?|access[._-]?key|api[._-]?key|token|signature|sig)"
                    + "(?:[._-][a-z]+)*=)[^&\\s]+");

    /** Name and password before the host of a URI. */
    private static final Pattern USER = Pattern.compile("://[^/@:\\s]*:[^/@\\s]*@");

    private RecordedCommand() {}

    /** The line of the command that is running. */
    public static String of(CommandSpec command) {
        List<String> arguments = command.root().commandLine().getParseResult().originalArgs();
        return of(arguments);
    }

    /** The line with these arguments; where the warehouse is not named, its default is. */
    public static String of(List<String> arguments) {
        var all = new ArrayList<>(arguments);
        all.remove("--debug"); // touches nothing that is made
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
