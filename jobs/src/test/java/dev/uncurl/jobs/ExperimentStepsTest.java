package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import com.typesafe.config.ConfigFactory;
import dev.uncurl.pruning.BuiltInMethods;
import dev.uncurl.pruning.RouterRule;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** The commands of conf/experiment, and that its table has only what they make. */
class ExperimentStepsTest {
    private static final Path EXPERIMENT = Path.of("../conf/experiment");
    private static final Pattern MODEL = Pattern.compile("(boolq|rte)-(.+)-(map|collapse|mask|slice|zero)-(8|4|2)");
    private static final Pattern ROW = Pattern.compile("\\| (boolq|rte|flan) \\|.*");

    private static List<Step> steps;

    /** A command as it is printed, and its options as they are read. */
    private record Step(String line, CommandLine.ParseResult parsed) {
        static Step of(String line) {
            return new Step(
                    line, Uncurl.commandLine().parseArgs(line.split(" ")).subcommand());
        }

        boolean is(String command) {
            return parsed.commandSpec().name().equals(command);
        }

        boolean has(String option) {
            return parsed.hasMatchedOption(option);
        }

        String option(String name) {
            assertThat(has(name)).as("%s names %s", line, name).isTrue();
            return String.join(",", parsed.matchedOption(name).originalStringValues());
        }

        List<String> values(String name) {
            return List.of(option(name).split(","));
        }

        List<BuiltInMethods> methods() {
            return values("--method").stream().map(BuiltInMethods::named).toList();
        }
    }

    @BeforeAll
    static void print() throws IOException {
        Process bash = new ProcessBuilder("bash", EXPERIMENT.resolve("steps.sh").toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String printed = new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        steps = ConfigFactory.parseString(printed).getStringList("steps").stream()
                .map(Step::of)
                .toList();
    }

    private static List<Step> steps(String command, String option) {
        return steps.stream()
                .filter(step -> step.is(command) && step.has(option))
                .toList();
    }

    @Test
    void eachPrunedModelIsMadeAsItsNameSays() {
        for (Step step : steps("prune", "--model")) {
            var name = MODEL.matcher(step.option("--model"));
            assertThat(name.matches()).as(step.line()).isTrue();
            assertThat(step.option("--task")).isEqualTo("superglue/" + name.group(1));
            assertThat(step.option("--method")).isEqualTo(name.group(2));
            assertThat(step.option("--router")).isEqualTo(name.group(3));
            assertThat(step.option("--experts")).isEqualTo(name.group(4));
            assertThat(step.option("--align")).isEqualTo("on");
            assertThat(Long.parseLong(step.option("--seed"))).isPositive();
            RouterRule.named(step.option("--router"), BuiltInMethods.named(step.option("--method")));
        }
    }

    /** A method without random numbers has one plan, whatever the seeds; more would say that it was run again. */
    @Test
    void linesOfPlansNameTheSeedsAndTheNumbersOfExperts() {
        for (Step step : steps("prune", "--plan-only")) {
            assertThat(step.values("--experts")).isNotEmpty();
            boolean random = step.methods().stream().allMatch(BuiltInMethods::usesSeed);
            assertThat(step.values("--seed").size()).as(step.line()).isEqualTo(random ? 3 : 1);
        }
    }

    @Test
    void linesOfEvaluationsNameWhatIsComparedAndHow() {
        for (Step step : steps("evaluate", "--task")) {
            assertThat(step.option("--against")).isNotBlank();
            assertThat(Double.parseDouble(step.option("--margin"))).isPositive();
            assertThat(Integer.parseInt(step.option("--limit"))).isPositive();
            if (step.has("--plan")) {
                assertThat(step.option("--align")).isIn("on", "off");
                assertThat(step.values("--router")).isNotEmpty();
            }
        }
    }

    @Test
    void everyModelThatIsReadWasMadeBefore() {
        var made = new TreeSet<String>();
        for (Step step : steps) {
            boolean evaluated = step.is("evaluate") || step.is("dump-logits");
            Stream.of("--from", "--against", evaluated ? "--model" : "--from")
                    .filter(step::has)
                    .flatMap(option -> step.values(option).stream())
                    .forEach(model -> assertThat(made).as(step.line()).contains(model));
            if (!evaluated && step.has("--model")) {
                assertThat(made.add(step.option("--model"))).as(step.line()).isTrue();
            }
        }
    }

    /** Methods with the router rules under which the steps score them. */
    private static TreeSet<String> scored() {
        var pairs = new TreeSet<String>();
        steps("prune", "--model").forEach(step -> pairs.add(step.option("--method") + " " + step.option("--router")));
        List<BuiltInMethods> planned = steps("prune", "--plan-only").stream()
                .flatMap(step -> step.methods().stream())
                .distinct()
                .toList();
        for (Step step : steps("evaluate", "--plan")) {
            List<String> asked = step.values("--router");
            String suffix = step.option("--align").equals("off") ? " unaligned" : "";
            planned.forEach(method -> RouterRule.ids(method).stream()
                    .filter(rule -> asked.contains("all") || asked.contains(rule))
                    .forEach(rule -> pairs.add(method.id() + " " + rule + suffix)));
        }
        return pairs;
    }

    @Test
    void theTableHasOnlyWhatTheStepsScore() throws IOException {
        var shown = Files.readString(EXPERIMENT.resolve("README.md"))
                .lines()
                .filter(line -> ROW.matcher(line).matches())
                .map(line -> Arrays.stream(line.replace("`", "").split("\\|"))
                        .map(String::strip)
                        .toList())
                .filter(cells -> !cells.get(3).equals("unpruned"))
                .map(cells -> cells.get(3) + " " + cells.get(4).replace(",", ""))
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(scored()).contains("uncurl map", "uncurl collapse", "random slice", "reap zero");
        assertThat(scored()).containsAll(shown);
    }
}
