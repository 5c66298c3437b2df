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
 * Runs every command of the README that begins with jobs/submit, in the order in which it stands there: the demo first,
 * then the tour through what it made. Commands for clusters stand in blocks marked {@code not-run}.
 */
class ReadmeIT {
    @Test
    void everyCommandOfTheReadmeSucceeds(@TempDir Path folder) throws Exception {
        var submit = new Submit(folder);
        List<String> commands = commands();
        assertThat(commands).hasSizeGreaterThan(5).first().isEqualTo("jobs/submit demo");
        for (String command : commands) {
            Submit.Outcome outcome = submit.run(command, Map.of());
            assertThat(outcome.code())
                    .as(command + "\n" + outcome.out() + outcome.err())
                    .isZero();
            assertThat(outcome.out()).as(command).isNotBlank();
            if (command.equals("jobs/submit demo")) {
                checkDemo(outcome.out());
            }
        }
    }

    /** The model learned more than the frequencies of tokens. */
    private static void checkDemo(String out) {
        double model = figure(out, "demo-pretrained, validation loss: ");
        double unigram = figure(out, "demo-pretrained, validation unigram loss: ");
        assertThat(model).isLessThan(unigram - 0.2);
        assertThat(out).contains("demo-uncurl-4e-boolq", "demo-frequency-4e-boolq", "demo-random-4e-boolq");
        assertThat(out.lines().filter(line -> line.startsWith("  jobs/submit sql")))
                .hasSize(3);
    }

    private static double figure(String out, String before) {
        String line =
                out.lines().filter(text -> text.startsWith(before)).findFirst().orElseThrow();
        return Double.parseDouble(line.substring(before.length()).split(" ")[0]);
    }

    /** Lines of blocks that open with exactly three backquotes and sh; a backslash joins a line to the next. */
    private static List<String> commands() throws IOException {
        var commands = new ArrayList<String>();
        boolean inside = false;
        var command = new StringBuilder();
        for (String line : Files.readAllLines(Path.of("..", "README.md"))) {
            if (line.startsWith("```")) {
                inside = !inside && line.strip().equals("```sh");
            } else if (inside) {
                boolean continues = line.endsWith("\\");
                command.append(continues ? line.substring(0, line.length() - 1) : line);
                if (!continues) {
                    if (command.toString().startsWith("jobs/submit")) {
                        commands.add(command.toString());
                    }
                    command.setLength(0);
                }
            }
        }
        return commands;
    }
}
