package dev.uncurl.jobs;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cli.Failures;
import dev.uncurl.jobs.cli.Interruption;
import dev.uncurl.jobs.evaluate.EvaluateCommand;
import dev.uncurl.jobs.export.ExportCommand;
import dev.uncurl.jobs.maintain.MaintainCommand;
import dev.uncurl.jobs.output.StandardOutput;
import dev.uncurl.jobs.prune.PruneCommand;
import dev.uncurl.jobs.report.ReportCommand;
import dev.uncurl.jobs.routing.DumpLogitsCommand;
import dev.uncurl.jobs.spark.Causes;
import dev.uncurl.jobs.sql.SqlCommand;
import dev.uncurl.jobs.sweep.SweepCommand;
import dev.uncurl.jobs.tokenize.TokenizeCommand;
import dev.uncurl.jobs.train.FinetuneCommand;
import dev.uncurl.jobs.train.PretrainCommand;
import dev.uncurl.jobs.verify.VerifyCommand;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.UsageMessageSpec;

/**
 * The main class: {@code jobs/submit <command>}, or {@code spark-submit --class dev.uncurl.jobs.Uncurl uncurl.jar
 * <command>}.
 *
 * <p>Exit codes: 0 done, 1 internal error, 2 usage or configuration, 3 invalid input, 4 too many rejections, 5 another run
 * has locked the output or it exists with other inputs, 6 training diverged, 7 some cells of a sweep failed, 130 interrupted
 * (Ctrl-C), 141 the reader of standard output ended first, 143 terminated.
 */
@Command(
        name = "uncurl",
        description =
                "Trains mixture-of-experts language models on Spark, records their routing, prunes them for one task.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
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
            SweepCommand.class,
            ReportCommand.class,
            ExportCommand.class,
            MaintainCommand.class,
            SqlCommand.class
        },
        footer = {"", "Start with:  jobs/submit demo", "Then:        jobs/submit <command> --help"})
public final class Uncurl implements Runnable {
    private static final int JAVA = 17;

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec;

    @CommandLine.Option(
            names = "--debug",
            scope = CommandLine.ScopeType.INHERIT,
            description = "Print the stack trace of a failure.")
    private boolean debug;

    @Override
    public void run() {
        throw new CommandLine.ParameterException(spec.commandLine(), "Name a command.");
    }

    public static void main(String[] arguments) {
        Locale.setDefault(Locale.ROOT);
        var out = new DeployedOutcome.Tail();
        var err = new DeployedOutcome.Tail();
        boolean deployed = System.getProperty(DeployedOutcome.FILE) != null;
        OutputStream toErr = new FileOutputStream(FileDescriptor.err);
        OutputStream toOut = new FileOutputStream(FileDescriptor.out);
        System.setErr(new PrintStream(deployed ? err.beside(toErr) : toErr, true, StandardCharsets.UTF_8));
        System.setOut(StandardOutput.to(deployed ? out.beside(toOut) : toOut));
        Interruption.install();
        int code = commandLine().execute(arguments);
        DeployedOutcome.leave(code, out, err);
        SparkSession.getDefaultSession().foreach(session -> {
            session.stop();
            return null;
        });
        if (code != 0) {
            System.exit(code);
        }
    }

    /** The parser, which also reports failures. */
    public static CommandLine commandLine() {
        var uncurl = new CommandLine(new Uncurl(), Uncurl::create)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setExpandAtFiles(false)
                .setUsageHelpWidth(100)
                .setOut(writer(System.out))
                .setErr(writer(System.err))
                .setExecutionStrategy(Uncurl::run)
                .setParameterExceptionHandler(Uncurl::usage)
                .setExecutionExceptionHandler(Uncurl::failure);
        uncurl.getHelpSectionMap().put(UsageMessageSpec.SECTION_KEY_COMMAND_LIST, CommandGroups::render);
        // a statement may begin with a comment, whose two dashes look like an option
        uncurl.getSubcommands().get("sql").setUnmatchedOptionsArePositionalParams(true);
        return uncurl;
    }

    /** Creates commands as picocli does, except that the demo is given a way to run the others. */
    private static <K> K create(Class<K> type) throws Exception {
        return type == DemoCommand.class
                ? type.cast(new DemoCommand(arguments -> commandLine().execute(arguments)))
                : CommandLine.defaultFactory().create(type);
    }

    private static PrintWriter writer(PrintStream stream) {
        return new PrintWriter(new OutputStreamWriter(stream, StandardCharsets.UTF_8), true);
    }

    private static int run(CommandLine.ParseResult parsed) {
        try {
            requireJava(Runtime.version().feature());
            int code = new CommandLine.RunLast().execute(parsed);
            System.out.flush();
            return code;
        } catch (CommandLine.ParameterException | CommandLine.ExecutionException e) {
            throw e;
        } catch (RuntimeException | Error e) { // from printing the help, or an Error, which picocli does not catch
            throw new CommandLine.ExecutionException(parsed.commandSpec().commandLine(), e.toString(), e);
        }
    }

    /** @throws UserError (usage) when Spark 3.5 or the kernels do not run on this version of Java */
    public static void requireJava(int version) {
        if (version != JAVA) {
            throw UserError.usage(
                    "This is Java " + version + " (" + System.getProperty("java.home")
                            + "), but Uncurl and Spark 3.5 need Java " + JAVA,
                    "Set JAVA_HOME to the folder of a JDK " + JAVA + ".");
        }
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
        boolean debug = ((Uncurl) commandLine.getCommandSpec().root().userObject()).debug;
        if (Interruption.isEnding()) {
            return 1; // the process ends with the code of the signal
        }
        for (Throwable cause : Causes.of(e)) {
            if (cause instanceof StandardOutput.Failure failure && failure.readerIsGone()) {
                return StandardOutput.READER_GONE;
            }
        }
        if (debug) {
            e.printStackTrace(err);
        }
        UserError userError = Failures.userError(e);
        if (userError != null) {
            err.println(command + ": " + userError.getMessage());
        } else {
            err.println(command + ": internal error: " + Failures.firstLine(e));
            err.println("  Finished outputs are complete and will be reused: run the same command again. If it fails"
                    + " again, report " + (debug ? "the lines above." : trace(e, err) + "."));
        }
        err.flush();
        return userError == null ? 1 : userError.kind().exitCode();
    }

    /** Writes the stack trace of an internal error to a file, or to the screen when no file can be written. */
    private static String trace(Exception e, PrintWriter err) {
        var text = new StringWriter();
        e.printStackTrace(new PrintWriter(text));
        try {
            Path file = Files.createTempFile("uncurl-", ".trace");
            return "the trace in " + Files.writeString(file, text.toString());
        } catch (IOException unwritable) {
            err.print(text);
            return "the lines above";
        }
    }
}
