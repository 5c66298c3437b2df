package dev.uncurl.corpus.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.uncurl.corpus.Example;
import dev.uncurl.corpus.Outcome;
import dev.uncurl.corpus.Rejection;
import dev.uncurl.error.UserError;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
    void everyFileOfTheFolderIsATaskOfItsName() throws IOException {
        try (var files = Files.list(Path.of("../conf/task"))) {
            assertThat(TaskDefinition.known().stream().map(name -> name.substring(name.lastIndexOf('/') + 1) + ".conf"))
                    .containsExactlyInAnyOrderElementsOf(
                            files.map(file -> file.getFileName().toString())
                                    .filter(name -> name.endsWith(".conf"))
                                    .toList());
        }
        TaskDefinition.known()
                .forEach(name -> assertThat(TaskDefinition.load(name).name()).isEqualTo(name));
    }

    /** As in Uncurl's jar, whose folders may have no entries of their own. */
    @Test
    void theFolderIsFoundInAJar(@TempDir Path folder) throws Exception {
        Path jar = folder.resolve("a b.jar");
        try (var out = new ZipOutputStream(Files.newOutputStream(jar))) {
            for (String name : List.of("boolq", "cb")) {
                out.putNextEntry(new ZipEntry("conf/task/" + name + ".conf"));
                out.write(Files.readAllBytes(Path.of("../conf/task/" + name + ".conf")));
                out.closeEntry();
            }
        }
        try (var loader = new URLClassLoader(new URL[] {jar.toUri().toURL()}, null)) {
            assertThat(TaskFolder.files(loader)).containsExactlyInAnyOrder("conf/task/boolq.conf", "conf/task/cb.conf");
            assertThat(new String(
                            loader.getResourceAsStream("conf/task/cb.conf").readAllBytes()))
                    .contains("superglue/cb"); // the loader's own jar is still open
        }
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
                List.of("version = \"1\",", "", "version"),
                List.of("name = t", "name = T/x", "name = T/x"),
                List.of("name = t", "name = t, shape = options", "label with shape = options"),
                List.of("name = t", "name = t, shape = wic, lists = [b]", "lists with shape = wic"),
                List.of("[acc]", "[f2]", "Did you mean f1?"),
                List.of(", values { \"0\" = 0, \"1\" = 1 }", "", "label.values is missing"),
                List.of("label { field = label, values { \"0\" = 0, \"1\" = 1 } }", "label = last", "label = last"),
                List.of("choices = [x, y]", "choices = [x]", "choices are 1"),
                List.of("fields", "fields = [", "t.conf"))) {
            assertThat(file).contains(mistake.get(0));
            assertThatThrownBy(() -> TaskFile.parse(file.replace(mistake.get(0), mistake.get(1)), "t.conf"))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining(mistake.get(2));
        }
        assertThat(TaskFile.parse(file, "t.conf").name()).isEqualTo("t");
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
