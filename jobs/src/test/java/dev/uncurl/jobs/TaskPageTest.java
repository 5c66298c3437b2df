package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.uncurl.corpus.Example;
import dev.uncurl.corpus.task.TaskDefinition;
import dev.uncurl.corpus.task.TaskMetric;
import dev.uncurl.jobs.warehouse.UncurlTable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The page on tasks: its example is tried as a user would try it. */
class TaskPageTest {
    private static final Path PAGE = Pages.ROOT.resolve("conf/task/README.md");

    private static List<String> blocks(String info) throws IOException {
        return Pages.blocks(Files.readString(PAGE)).stream()
                .filter(block -> block.info().equals(info))
                .map(Pages.Block::text)
                .toList();
    }

    @Test
    void theExampleGivesThePromptAndTheChoicesThatThePageSays() throws IOException {
        var task = TaskDefinition.parse(blocks("hocon").get(0), "the page");
        var row = new ObjectMapper().readTree(blocks("json").get(0));
        var example = (Example) task.render(row, "f", 0, 1).next();
        assertThat(Files.readString(PAGE))
                .contains("the prompt `" + example.inputs() + "`")
                .contains(String.format(
                        "` %s`, ` %s` and ` %s`; the second", example.answers().toArray()));
        assertThat(example.choices()).allMatch(choice -> choice.startsWith(" "));
        assertThat(example.label()).isEqualTo(1);
    }

    @Test
    @Tag("slow")
    void theExampleIsTokenizedByItsPath(@TempDir Path folder) throws IOException {
        Files.writeString(folder.resolve("capitals.conf"), blocks("hocon").get(0));
        Files.writeString(folder.resolve("capitals.jsonl"), blocks("json").get(0));
        Path config = Files.writeString(
                folder.resolve("my.conf"), blocks("hocon").get(1).replace("/home/me", folder.toString()));
        var cli = new Cli(folder.resolve("warehouse"));
        cli.succeed("tokenize --config " + config);
        assertThat(cli.open()
                        .table(UncurlTable.EXAMPLES)
                        .select("task", "label", "answers")
                        .collectAsList())
                .singleElement()
                .satisfies(row -> {
                    assertThat(row.getString(0)).isEqualTo("own/capitals");
                    assertThat(row.getInt(1)).isEqualTo(1);
                    assertThat(row.<String>getList(2)).containsExactly("Lyon", "Paris", "Nice");
                });
    }

    @Test
    void thePageHasEveryTaskAndEveryMetricThatAFileCanName() throws IOException {
        String page = Files.readString(PAGE);
        assertThat(TaskDefinition.known()).isNotEmpty().allSatisfy(name -> assertThat(page)
                .contains("`" + name + "`"));
        for (TaskMetric metric : TaskMetric.values()) {
            assertThat(page).contains("| `" + metric.resultName() + "` | `" + metric.label() + "` |");
        }
    }
}
