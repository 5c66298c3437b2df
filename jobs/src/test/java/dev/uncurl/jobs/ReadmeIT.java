package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs every command of {@link Pages#RUN} that begins with jobs/submit, page by page in its order: the README's demo first,
 * then the tour of what it made, then the pages that the README leads to. Those after the demo run in one process, unless a
 * shell has to read them. Commands for clusters are in blocks marked {@code not-run}.
 */
class ReadmeIT {
    private static final String SUBMIT = "jobs/submit ";

    @Test
    void everyCommandOfThePagesSucceeds(@TempDir Path folder) throws Exception {
        var submit = new Submit(folder);
        List<String> commands = commands();
        assertThat(commands).hasSizeGreaterThan(5).first().isEqualTo("jobs/submit demo");
        Submit.Outcome demo = submit.run(commands.get(0), Map.of());
        check(commands.get(0), demo);
        checkDemo(demo.out(), folder.resolve("warehouse"));
        try (var process = new OneProcess(folder)) {
            assertThat(process.run(List.of("sql", "SELEKT 1")).code()).isEqualTo(2);
            for (String command : commands.subList(1, commands.size())) {
                check(command, needsShell(command) ? submit.run(command, Map.of()) : process.run(arguments(command)));
            }
        }
    }

    private static boolean needsShell(String command) {
        return !command.startsWith(SUBMIT)
                || command.startsWith("-", SUBMIT.length())
                || command.matches("(?s).*[$>|;&].*");
    }

    private static List<String> arguments(String command) {
        return Pages.words(command.substring(SUBMIT.length()));
    }

    private static void check(String command, Submit.Outcome outcome) {
        assertThat(outcome.code())
                .as(command + "\n" + outcome.out() + outcome.err())
                .isZero();
        assertThat(outcome.out()).as(command).isNotBlank();
    }

    /** The model learned more than the frequencies of tokens; the pruned ones are compared; the last line is the page. */
    private static void checkDemo(String out, Path warehouse) throws IOException {
        String log = Files.readString(warehouse.resolve("demo.log"));
        double model = figure(log, "demo-pretrained, validation loss: ");
        double unigram = figure(log, "demo-pretrained, validation unigram loss: ");
        assertThat(model).isLessThan(unigram - 0.2);
        assertThat(out).contains("demo-uncurl-2e-flan", "demo-frequency-2e-flan", "demo-random-2e-flan");
        assertThat(out.lines().filter(line -> line.startsWith("  jobs/submit sql")))
                .hasSize(3);
        assertThat(out.strip().lines().reduce((one, next) -> next).orElseThrow())
                .contains("demo.html");
        assertThat(warehouse.resolve("demo.html")).isNotEmptyFile();
    }

    private static double figure(String out, String before) {
        String line =
                out.lines().filter(text -> text.startsWith(before)).findFirst().orElseThrow();
        return Double.parseDouble(line.substring(before.length()).split(" ")[0]);
    }

    private static List<String> commands() throws IOException {
        var commands = new ArrayList<String>();
        for (Path page : Pages.RUN) {
            commands.addAll(Pages.runnable(Files.readString(page)));
        }
        return commands;
    }
}
