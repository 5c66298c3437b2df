package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import com.typesafe.config.ConfigFactory;
import dev.uncurl.pruning.BuiltInMethods;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** The commands of conf/experiment and the labels of its table. */
class ExperimentStepsTest {
    private static final Path EXPERIMENT = Path.of("../conf/experiment");
    private static final Pattern MODEL = Pattern.compile("(boolq|rte)-(.+?)-(8|4|2)");

    private static List<String> steps() throws IOException {
        Process bash = new ProcessBuilder("bash", EXPERIMENT.resolve("steps.sh").toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String printed = new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return ConfigFactory.parseString(printed).getStringList("steps");
    }

    private static String option(CommandLine.ParseResult parsed, String name) {
        return parsed.hasMatchedOption(name)
                ? String.join(",", parsed.matchedOption(name).originalStringValues())
                : "none";
    }

    @Test
    void eachPrunedModelIsMadeByTheMethodAndTheRulesThatItsLabelNames() throws IOException {
        var labels = new TreeSet<String>();
        for (String step : steps()) {
            CommandLine.ParseResult parsed =
                    Uncurl.commandLine().parseArgs(step.split(" ")).subcommand();
            if (!parsed.commandSpec().name().equals("prune")) {
                continue;
            }
            var model = MODEL.matcher(option(parsed, "--model"));
            assertThat(model.matches()).as(step).isTrue();
            String label = model.group(2);
            var method = BuiltInMethods.named(option(parsed, "--method"));
            boolean mapped = label.contains("-map");
            String variant = (mapped ? "-map" : "") + (label.endsWith("-unaligned") ? "-unaligned" : "");
            String seed = method == BuiltInMethods.RANDOM ? "-" + option(parsed, "--seed") : "";
            assertThat(label).isEqualTo(method.id() + variant + seed);
            assertThat(option(parsed, "--task")).isEqualTo("superglue/" + model.group(1));
            assertThat(option(parsed, "--experts")).isEqualTo(model.group(3));
            assertThat(option(parsed, "--router"))
                    .as("the table was made so: %s", step)
                    .isEqualTo(method.drops() ? "slice" : mapped ? "map" : "collapse");
            assertThat(option(parsed, "--align").equalsIgnoreCase("off")).isEqualTo(label.endsWith("-unaligned"));
            labels.add(label.replaceFirst("random-[0-9]", "random"));
        }
        assertThat(labels).isEqualTo(tableLabels());
    }

    private static TreeSet<String> tableLabels() throws IOException {
        return Arrays.stream(Files.readString(EXPERIMENT.resolve("README.md")).split("\n"))
                .filter(line -> line.startsWith("| boolq |") || line.startsWith("| rte |"))
                .map(line -> line.split(" *\\| *")[3])
                .filter(label -> !label.equals("unpruned"))
                .collect(Collectors.toCollection(TreeSet::new));
    }
}
