package dev.uncurl.jobs.tokenize;

import static dev.uncurl.jobs.tokenize.TokenizeFixture.config;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.corpus;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.tokenize;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.warehouse;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.CorpusRun;
import dev.uncurl.jobs.warehouse.Examples;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Corpora and tasks whose names begin alike, or are longer than a folder's name can be. */
@Tag("slow")
class TokenizeNamesTest {
    @TempDir
    private Path folder;

    private Warehouse warehouse;

    @BeforeEach
    void open() {
        warehouse = warehouse(folder.resolve("w"));
    }

    private String flan(String corpus, String... tasks) throws IOException {
        Path file = Files.createTempFile(folder, "rows", ".jsonl");
        var rows = new StringBuilder();
        for (String task : tasks) {
            rows.append(new ObjectMapper()
                            .writeValueAsString(Map.of("inputs", "Q " + task, "targets", "A", "task_name", task)))
                    .append('\n');
        }
        Files.writeString(file, rows);
        return corpus(corpus, "flan", file.toString());
    }

    private void replace(String corpora) {
        new Tokenization(warehouse, config(folder, corpora), 1, 10, "tokenize").run(true);
    }

    /** Corpus and task of each row. */
    private List<String> rows() {
        return warehouse.table(UncurlTable.EXAMPLES).orderBy("task").collectAsList().stream()
                .map(row -> row.<String>getAs("corpus") + ": " + row.<String>getAs("task"))
                .toList();
    }

    private List<String> tasks(String name) {
        return Stream.of("train", "validation")
                .flatMap(split -> Examples.tasks(warehouse, name, split).stream())
                .sorted()
                .toList();
    }

    @Test
    void aCorpusKeepsItsRowsWhateverBecomesOfOneInWhoseNameItsOwnBegins() throws IOException {
        String inner = flan("flan/cot", "creak", "gsm");
        tokenize(warehouse, config(folder, inner));
        tokenize(warehouse, config(folder, flan("flan", "other")));
        assertThat(rows()).containsExactly("flan/cot: flan/cot/creak", "flan/cot: flan/cot/gsm", "flan: flan/other");
        assertThat(tasks("flan")).containsExactly("flan/other");
        assertThat(tasks("flan/cot")).containsExactly("flan/cot/creak", "flan/cot/gsm");
        assertThat(tasks("flan/cot/gsm")).containsExactly("flan/cot/gsm");
        assertThat(tasks("fla")).isEmpty();
        assertThat(CorpusRun.ofTask(warehouse, "flan/cot/gsm").corpus()).isEqualTo("flan/cot");
        assertThat(CorpusRun.ofTask(warehouse, "flan/other").corpus()).isEqualTo("flan");
        assertThatThrownBy(() -> CorpusRun.ofTask(warehouse, "flan/c")).hasMessageContaining("flan, flan/cot");

        // rows as release 0.1.0 wrote them
        warehouse.spark().sql("UPDATE corpus.examples SET corpus = NULL");
        assertThat(tasks("flan")).containsExactly("flan/other");
        assertThat(CorpusRun.ofTask(warehouse, "flan/cot/gsm").corpus()).isEqualTo("flan/cot");
        replace(flan("flan", "another"));
        assertThat(rows()).containsExactly("flan: flan/another", "null: flan/cot/creak", "null: flan/cot/gsm");
        tokenize(warehouse, config(folder, inner));
        assertThat(tasks("flan/cot")).containsExactly("flan/cot/creak", "flan/cot/gsm");
        replace(flan("flan/cot", "strategy"));
        assertThat(rows()).containsExactly("flan: flan/another", "flan/cot: flan/cot/strategy");
    }

    @Test
    void aNameThatWouldMeanTwoThingsIsRefusedAndNothingChanges() throws IOException {
        tokenize(warehouse, config(folder, flan("flan/cot", "creak")));
        tokenize(warehouse, config(folder, flan("flan", "other")));
        List<String> before = rows();
        for (String corpora : List.of(
                flan("flan", "cot/creak"), // a task of the other corpus
                flan("flan", "cot"), // the other corpus
                flan("flan/other", "x"), // a corpus named after a task
                flan("x", "y/z") + "," + flan("x/y", "z"))) {
            assertThatThrownBy(() -> replace(corpora)).isInstanceOfSatisfying(UserError.class, userError -> {
                assertThat(userError.kind()).isEqualTo(UserError.Kind.CONFLICT);
                assertThat(userError).hasMessageMatching("(?s).*(flan/cot|flan/other|x/y).*has the name of.*");
            });
            assertThat(rows()).isEqualTo(before);
        }
        // both anew, so that the task changes hands
        replace(flan("flan", "cot/creak") + "," + flan("flan/cot", "other"));
        assertThat(rows()).containsExactly("flan: flan/cot/creak", "flan/cot: flan/cot/other");
    }

    @Test
    void aTaskOfFreeTextThatIsCalledAsItsCorpusIsNotTheWholeCorpus() throws IOException {
        tokenize(warehouse, config(folder, flan("flan", "flan", "other")));
        assertThat(tasks("flan/flan")).containsExactly("flan/flan");
        assertThat(tasks("flan")).containsExactly("flan/flan", "flan/other");
    }

    @Test
    void spareFilesOfOneCorpusAreNotTakenForThoseOfAnotherOfTheSameInputs() throws IOException {
        Path text = Files.writeString(folder.resolve("text.txt"), "One document of a few words.\n".repeat(40));
        tokenize(warehouse, config(folder, corpus("a/b", "cc100", text.toString())));
        tokenize(warehouse, config(folder, corpus("a_b", "cc100", text.toString())));
        assertThat(CorpusRun.newest(warehouse, "a/b").runId())
                .isEqualTo(CorpusRun.newest(warehouse, "a_b").runId());
        assertThat(warehouse
                        .table(UncurlTable.SEQUENCES)
                        .select("corpus")
                        .distinct()
                        .collectAsList())
                .hasSize(2);
        assertThat(folder.resolve("w/cards/a%2Fb/README.md")).exists();
        assertThat(folder.resolve("w/cards/a_b/README.md")).exists();
        try (var one = warehouse.lock("corpus", "a/b");
                var two = warehouse.lock("corpus", "a_b")) {
            assertThat(one).isNotSameAs(two);
        }
    }
}
