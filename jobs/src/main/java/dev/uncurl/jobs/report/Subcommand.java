package dev.uncurl.jobs.report;

import dev.uncurl.error.UserError;
import picocli.CommandLine.Model.CommandSpec;

/** What the subcommands of report have in common. */
final class Subcommand {
    private Subcommand() {}

    /** @throws UserError (usage) for options before the name of the subcommand, which would have no effect */
    static void requireOwnOptions(CommandSpec spec) {
        if (spec.parent().commandLine().getParseResult().matchedOptions().stream()
                .anyMatch(option -> !option.inherited())) {
            throw UserError.usage(
                    "There are options between 'report' and '" + spec.name() + "'",
                    "Put all of them after '" + spec.name() + "': jobs/submit report " + spec.name()
                            + " --model ID --task TASK ...");
        }
    }
}
