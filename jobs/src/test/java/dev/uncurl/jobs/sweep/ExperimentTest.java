package dev.uncurl.jobs.sweep;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.config.Settings;
import dev.uncurl.jobs.Uncurl;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine.ParseResult;

/** The commands of conf/experiment, and that the tables of its page name nothing else than its sweeps make. */
class ExperimentTest {
    private static final Path EXPERIMENT = Path.of("../conf/experiment").toAbsolutePath();

    /** The script with a jobs/submit that writes down its arguments, one to a line, and an empty line after each command. */
    private static List<ParseResult> trained(Path folder) throws IOException, InterruptedException {
        Path submit = folder.resolve("jobs/submit");
        Files.createDirectories(submit.getParent());
        Files.writeString(submit, "#!/bin/bash\nprintf '%s\\n' \"$@\" '' >> commands\n");
        assertThat(submit.toFile().setExecutable(true)).isTrue();
        Process bash = new ProcessBuilder("bash", EXPERIMENT.resolve("train.sh").toString(), "warehouse", "3")
                .directory(folder.toFile())
                .inheritIO()
                .start();
        assertThat(bash.waitFor()).isZero();
        return Files.readString(folder.resolve("commands"))
                .strip()
                .transform(text -> List.of(text.split("\n\n")))
                .stream()
                .map(command -> command.substring(command.indexOf("--\n") + 3).split("\n"))
                .map(words -> Uncurl.commandLine().parseArgs(words).subcommand())
                .toList();
    }

    private static String option(ParseResult command, String name) {
        return command.matchedOption(name).originalStringValues().get(0);
    }

    @Test
    void everyModelIsPretrainedAndPrefinetunedWithItsSeed(@TempDir Path folder) throws Exception {
        var pretrained = new TreeSet<String>();
        var finetuned = new TreeSet<String>();
        for (ParseResult command : trained(folder)) {
            switch (command.commandSpec().name()) {
                case "pretrain" -> {
                    String experts = command.matchedOption("--set")
                            .originalStringValues()
                            .get(0);
                    assertThat(command.matchedOption("--set").originalStringValues())
                            .contains("train.seed=3");
                    assertThat(option(command, "--model"))
                            .isEqualTo(experts.replace("model.moe.experts=", "e") + "-s3");
                    pretrained.add(option(command, "--model"));
                }
                case "finetune" -> {
                    assertThat(pretrained).contains(option(command, "--from"));
                    assertThat(option(command, "--model")).isEqualTo(option(command, "--from") + "-flan");
                    finetuned.add(option(command, "--from"));
                }
                default -> assertThat(command.commandSpec().name()).isEqualTo("sql");
            }
        }
        assertThat(finetuned).isEqualTo(pretrained).containsExactly("e0-s3", "e16-s3", "e32-s3", "e4-s3", "e8-s3");
    }

    @Test
    void theSweepsAreOfTheSameModelsAndScores() {
        SweepConfig sweep = Settings.load("experiment/sweep", List.of()).bind(SweepConfig.class);
        SweepConfig routers = Settings.load("experiment/routers", List.of()).bind(SweepConfig.class);
        assertThat(sweep.models()).containsAll(routers.models());
        assertThat(sweep.methods()).isEqualTo(routers.methods());
        assertThat(routers.evaluate()).isEqualTo(sweep.evaluate()); // else each would replace the other's scores
        assertThat(routers.routing()).isEqualTo(sweep.routing());
        assertThat(sweep.experts()).containsAll(routers.experts());
    }
}
