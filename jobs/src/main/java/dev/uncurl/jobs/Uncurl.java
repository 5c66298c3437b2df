package dev.uncurl.jobs;

import dev.uncurl.error.Refusal;
import java.io.PrintWriter;
import java.util.List;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/**
 * The main class: {@code jobs/submit <command>}, or {@code spark-submit --class dev.uncurl.jobs.Uncurl uncurl.jar
 * <command>}.
 *
 * <p>Exit codes: 0 done, 1 internal error, 2 usage or configuration, 3 input invalid, 4 too many rejections, 5 another
 * run holds the output, 6 training diverged.
 */
@Command(
        name = "uncurl",
        description =
                "Trains mixture-of-experts language models on Spark, records their routing, prunes them for one task.",
        mixinStandardHelpOptions = true,
        version = "uncurl 0.1.0",
        synopsisSubcommandLabel = "<command>",
        subcommands = {
            DemoCommand.class,
            TokenizeCommand.class,
            PretrainCommand.class,
            FinetuneCommand.class,
            DumpLogitsCommand.class,
            VerifyCommand.class,
            PruneCommand.class,
            EvaluateCommand.class,
            ReportCommand.class,
            MaintainCommand.class,
            SqlCommand.class
        },
        footer = {"", "Start with:  jobs/submit demo", "Then:        jobs/submit <command> --help"})
public final class Uncurl implements Runnable {
    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec;

    @Override
    public void run() {
        throw new CommandLine.ParameterException(spec.commandLine(), "Name a command.");
    }

    public static void main(String[] arguments) {
        int code = commandLine().execute(arguments);
        SparkSession.getDefaultSession().foreach(session -> {
            session.stop();
            return null;
        });
        if (code != 0) {
            System.exit(code);
        }
    }

    /** The parser with Uncurl's way of reporting failures; also used by {@link DemoCommand} and the tests. */
    static CommandLine commandLine() {
        return new CommandLine(new Uncurl())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setUsageHelpWidth(100)
                .setParameterExceptionHandler(Uncurl::usage)
                .setExecutionExceptionHandler(Uncurl::failure);
    }

    private static int usage(CommandLine.ParameterException e, String[] arguments) {
        PrintWriter err = e.getCommandLine().getErr();
        err.println("uncurl: " + e.getMessage());
        if (!CommandLine.UnmatchedArgumentException.printSuggestions(e, err)) {
            err.println("  See " + e.getCommandLine().getCommandSpec().qualifiedName(" ") + " --help.");
        }
        err.flush();
        return 2;
    }

    private static int failure(Exception e, CommandLine commandLine, CommandLine.ParseResult parsed) {
        PrintWriter err = commandLine.getErr();
        String command = commandLine.getCommandSpec().qualifiedName(" ");
        Refusal refusal = refusalWithin(e);
        if (refusal == null) {
            refusal = TableDamage.behind(e);
        }
        if (refusal != null) {
            err.println(command + ": " + refusal.getMessage());
        } else {
            e.printStackTrace(err);
            err.println(command + ": internal error: " + e);
            err.println("  Finished outputs are complete and will be reused: run the same command again. Should it"
                    + " fail again, report the lines above.");
        }
        err.flush();
        return refusal == null ? 1 : refusal.kind().exitCode();
    }

    /** A task's refusal reaches the driver inside Spark's exceptions. */
    private static Refusal refusalWithin(Throwable e) {
        for (Throwable t = e; t != null; t = t.getCause()) {
            if (t instanceof Refusal refusal) {
                return refusal;
            }
        }
        return null;
    }

    /** Names of all commands, for suggestions. */
    static List<String> commands() {
        return List.copyOf(commandLine().getSubcommands().keySet());
    }
}
