package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class DemoCommandTest {
    @TempDir
    private Path folder;

    private final List<String> ran = new ArrayList<>();

    private String demo(ToIntFunction<String[]> commands, int code, String... options) throws IOException {
        Path config = folder.resolve("steps.conf");
        Files.writeString(
                config,
                """
                steps = ["tokenize --config x", "prune  --from a", "report --task t",
                  "report study --task t --out {warehouse}/demo.html"]
                queries = ["SELECT 1"]
                """);
        var arguments = new ArrayList<>(List.of(
                "--config",
                config.toString(),
                "--warehouse",
                folder.resolve("ware house").toString()));
        arguments.addAll(List.of(options));
        PrintStream out = System.out;
        var printed = new ByteArrayOutputStream();
        try {
            System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
            assertThat(new CommandLine(new DemoCommand(commands)).execute(arguments.toArray(String[]::new)))
                    .isEqualTo(code);
            assertThat(System.out).isNotSameAs(out);
        } finally {
            System.setOut(out);
        }
        return printed.toString(StandardCharsets.UTF_8);
    }

    private int print(String[] arguments) {
        ran.add(String.join("|", arguments));
        System.out.println("said by " + arguments[0]);
        return 0;
    }

    @Test
    void eachStepIsOneLineReportsAreShownAndTheRestIsInTheLog() throws IOException {
        String out = demo(this::print, 0);
        Path warehouse = folder.resolve("ware house");
        assertThat(ran)
                .containsExactly(
                        "tokenize|--config|x|--warehouse|" + warehouse,
                        "prune|--from|a|--warehouse|" + warehouse,
                        "report|--task|t|--warehouse|" + warehouse,
                        "report|study|--task|t|--out|" + warehouse + "/demo.html|--warehouse|" + warehouse);
        assertThat(out.lines().filter(line -> line.matches("\\[\\d/4] .*"))).hasSize(4);
        assertThat(out).contains("said by report").doesNotContain("said by tokenize", "said by prune");
        assertThat(Files.readString(warehouse.resolve("demo.log")))
                .contains("[1/4] tokenize", "said by tokenize", "said by prune")
                .doesNotContain("said by report");
        List<String> lines = out.lines().toList();
        assertThat(lines).contains("  jobs/submit sql --warehouse " + warehouse + " \"SELECT 1\"");
        assertThat(lines.get(lines.size() - 1)).startsWith("Open " + warehouse + "/demo.html in a browser");
    }

    @Test
    void aSecondRunKeepsTheLogOfTheFirst() throws IOException {
        demo(this::print, 0);
        demo(this::print, 0);
        assertThat(Files.readString(folder.resolve("ware house/demo.log")).split("said by tokenize"))
                .hasSize(3);
    }

    @Test
    void aFailedStepEndsTheDemoWithItsCode() throws IOException {
        String out = demo(arguments -> arguments[0].equals("prune") ? 3 : print(arguments), 3);
        assertThat(ran).hasSize(1);
        assertThat(out).contains("[2/4]").doesNotContain("[3/4]", "Open ");
    }

    @Test
    void verboseShowsEverythingAndWritesNoLog() throws IOException {
        String out = demo(this::print, 0, "--verbose");
        assertThat(out).contains("said by tokenize", "said by prune", "said by report");
        assertThat(folder.resolve("ware house")).doesNotExist();
    }
}
