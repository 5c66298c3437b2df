package dev.uncurl.corpus.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.typesafe.config.ConfigFactory;
import dev.uncurl.corpus.Example;
import dev.uncurl.corpus.Outcome;
import dev.uncurl.corpus.Rejection;
import dev.uncurl.error.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The expectations are written by hand from lm-evaluation-harness's wording. */
class TaskDefinitionTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Test
    void boolqReadsAsTheHarnessWritesIt() {
        var example = (Example)
                render(
                        "superglue/boolq",
                        """
                {"question": "is the sea salt", "passage": "Sea -- The sea is salt.", "idx": 3, "label": true}""");
        assertThat(example.inputs()).isEqualTo("Sea -- The sea is salt.\nQuestion: is the sea salt?\nAnswer:");
        assertThat(example.choices()).containsExactly(" no", " yes");
        assertThat(example.label()).isEqualTo(1);
        assertThat(example.targets()).isEqualTo(" yes");
        assertThat(example.task()).isEqualTo("superglue/boolq");
        assertThat(example.source() + example.offset() + example.line()).isEqualTo("f205");
        assertThat(TaskDefinition.load("superglue/boolq").version()).isEqualTo("2.0");
    }

    @Test
    void cbReadsAsTheHarnessWritesIt() {
        var example = (Example)
                render(
                        "superglue/cb",
                        """
                {"premise": "He knew it rained.", "hypothesis": "it rained", "label": "contradiction"}""");
        assertThat(example.inputs())
                .isEqualTo("He knew it rained.\nQuestion: it rained. True, False, or Neither?\nAnswer:");
        assertThat(example.choices()).containsExactly(" True", " False", " Neither");
        assertThat(example.targets()).isEqualTo(" False");
        assertThat(TaskDefinition.load("superglue/cb").metrics()).containsExactly(TaskMetric.ACC, TaskMetric.F1);
    }

    @Test
    void copaReadsAsTheHarnessWritesIt() {
        var cause = (Example)
                render(
                        "superglue/copa",
                        """
                {"premise": "The dust came off the desk.", "choice1": "I wiped the desk with a cloth.",
                 "choice2": "The wind blew.", "question": "cause", "label": 0}""");
        assertThat(cause.inputs()).isEqualTo("The dust came off the desk because");
        assertThat(cause.choices()).containsExactly(" i wiped the desk with a cloth.", " the wind blew.");
        assertThat(cause.label()).isZero();
        var effect = (Example)
                render(
                        "superglue/copa",
                        """
                {"premise": "Wow", "choice1": "A", "choice2": "Élan", "question": "effect", "label": 1}""");
        assertThat(effect.inputs()).isEqualTo("Wow therefore");
        assertThat(effect.targets()).isEqualTo(" élan");
    }

    @Test
    void rteReadsAsTheHarnessWritesIt() {
        var example = (Example)
                render(
                        "superglue/rte",
                        """
                {"premise": "It rained {all} day.", "hypothesis": "It was wet.", "label": "not_entailment"}""");
        assertThat(example.inputs()).isEqualTo("It rained {all} day.\nQuestion: It was wet. True or False?\nAnswer:");
        assertThat(example.choices()).containsExactly(" True", " False");
        assertThat(example.label()).isEqualTo(1);
        assertThat(TaskDefinition.load("superglue/rte").version()).isEqualTo("0.0");
    }

    @Test
    void rowsThatDoNotFitAreRejectedWithAReason() {
        String row = "\"premise\":\"a\",\"choice1\":\"b\",\"choice2\":\"c\"";
        assertThat(reason("{" + row + ",\"question\":\"cause\"}")).isEqualTo("no label");
        assertThat(reason("{" + row + ",\"question\":\"cause\",\"label\":-1}")).isEqualTo("no label");
        assertThat(reason("{" + row + ",\"question\":\"cause\",\"label\":null}"))
                .isEqualTo("no label");
        assertThat(reason("{" + row + ",\"question\":\"cause\",\"label\":2}"))
                .isEqualTo("field label has a value that is not known");
        assertThat(reason("{" + row + ",\"question\":\"cause\",\"label\":[0]}"))
                .isEqualTo("field label is not a boolean, an integer or a string");
        assertThat(reason("{" + row + ",\"question\":\"why\",\"label\":0}"))
                .isEqualTo("field question has a value that is not known");
        assertThat(reason("{" + row + ",\"question\":1,\"label\":0}")).isEqualTo("field question is not a string");
        assertThat(reason("{\"label\":0}")).isEqualTo("no field premise");
    }

    @Test
    void theIndexListsTheFiles() throws IOException {
        try (var files = Files.list(Path.of("../conf/task"))) {
            assertThat(TaskDefinition.known())
                    .containsExactlyInAnyOrderElementsOf(
                            files.map(file -> file.getFileName().toString().replace(".conf", ""))
                                    .filter(name -> !name.equals("index"))
                                    .map("superglue/"::concat)
                                    .toList());
        }
        TaskDefinition.known().forEach(TaskDefinition::load);
    }

    @Test
    void unknownTaskIsRefusedWithTheNearest() {
        assertThatThrownBy(() -> TaskDefinition.load("superglue/bolq"))
                .isInstanceOfSatisfying(
                        UserError.class, r -> assertThat(r.kind()).isEqualTo(UserError.Kind.USAGE))
                .hasMessageContaining("Did you mean superglue/boolq?")
                .hasMessageContaining("superglue/rte");
    }

    @Test
    void mistakesInATaskFileAreRefused() {
        String file =
                """
                name = t, version = "1", fields = [a], prompt = "{a}", choices = [x, y],
                label { field = label, values { "0" = 0, "1" = 1 } }, metrics = [acc]
                """;
        for (var mistake : List.of(
                List.of("fields = [a]", "fields = [b]", "template uses {a}"),
                List.of("{a}", "{a|strip-stop}", "template filter 'strip-stop' is not known"),
                List.of("{a}", "{a", "brace"),
                List.of("\"1\" = 1", "\"1\" = 2", "label.values.1 = 2"),
                List.of("choices", "choises", "Did you mean choices?"),
                List.of("version = \"1\",", "", "version"))) {
            assertThatThrownBy(() -> TaskFile.bind(
                            ConfigFactory.parseString(file.replace(mistake.get(0), mistake.get(1))), "t.conf"))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining(mistake.get(2));
        }
        assertThat(TaskFile.bind(ConfigFactory.parseString(file), "t.conf").name())
                .isEqualTo("t");
    }

    @Test
    void doubledBracesAreBraces() {
        assertThat(PromptTemplate.parse("{{{a}}} }}").render(java.util.Map.of("a", "{b}")))
                .isEqualTo("{{b}} }");
    }

    private static Outcome render(String task, String row) {
        try {
            return TaskDefinition.load(task)
                    .render(JSON.readTree(row), "f", 20, 5)
                    .next();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static String reason(String row) {
        return ((Rejection) render("superglue/copa", row)).reason();
    }
}
