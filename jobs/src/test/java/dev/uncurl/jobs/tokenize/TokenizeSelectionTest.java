package dev.uncurl.jobs.tokenize;

import static dev.uncurl.jobs.tokenize.TokenizeFixture.config;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.corpus;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.counts;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.data;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.run;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.tokenize;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.warehouse;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What filters, duplicates and mixtures leave out. */
@Tag("slow")
class TokenizeSelectionTest {
    private static final String TEXT = corpus("text", "cc100", data("cc100/fiction.txt"), data("cc100/speeches.txt"));

    @TempDir
    private Path folder;

    @Test
    void copiesAreLeftOutWithinARunAndAgainstEarlierCorpora() throws IOException {
        Path copy = Files.copy(Path.of(data("cc100/speeches.txt")), folder.resolve("copy.txt"));
        Warehouse warehouse = warehouse(folder.resolve("w"));
        tokenize(
                warehouse,
                config(
                        folder,
                        corpus("a", "cc100", data("cc100/speeches.txt"))
                                + corpus("b", "cc100", copy.toString(), data("cc100/religion_kjv.txt.xz")),
                        "duplicates.within=run"));
        Row a = run(warehouse, "a");
        Row b = run(warehouse, "b");
        long copies = a.<Long>getAs("documents_in");
        assertThat(a.<Long>getAs("documents_filtered")).isZero();
        assertThat(counts(b, "filtered")).isEqualTo(Map.of(UnitTokenizer.DUPLICATE, copies));
        tokenize(
                warehouse,
                config(
                        folder,
                        corpus("c", "cc100", copy.toString(), data("cc100/nonfiction.txt")),
                        "duplicates.within=corpus",
                        "duplicates.against=[a]"));
        assertThat(counts(run(warehouse, "c"), "filtered")).isEqualTo(Map.of(UnitTokenizer.DUPLICATE, copies));
        assertThatThrownBy(() -> tokenize(
                        warehouse,
                        config(
                                folder,
                                corpus("d", "cc100", copy.toString()),
                                "duplicates.within=corpus",
                                "duplicates.against=[z]")))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("z");
    }

    @Test
    void filtersCountWhatTheyTookAndWhy() {
        Warehouse warehouse = warehouse(folder.resolve("w"));
        tokenize(
                warehouse,
                config(
                        folder,
                        TEXT,
                        "filter.minimum-characters=20000",
                        "filter.languages=[en]",
                        "filter.tag-languages=true"));
        Row run = run(warehouse, "text");
        assertThat(counts(run, "filtered")).containsKey("shorter than 20000 characters");
        assertThat(UnitReport.total(counts(run, "filtered"))).isEqualTo(run.<Long>getAs("documents_filtered"));
        assertThat(counts(run, "languages")).isEqualTo(Map.of("en", run.<Long>getAs("documents_kept")));
    }

    @Test
    void aMixtureTakesItsWeightsAndCountsWhatItLeavesOut() {
        Warehouse warehouse = warehouse(folder.resolve("w"));
        tokenize(
                warehouse,
                config(
                        folder,
                        corpus(
                                "flan",
                                "flan",
                                data("flan/cot_creak.jsonl"),
                                data("flan/cot_ecqa.jsonl"),
                                data("flan/winogrande.jsonl")),
                        "mixtures.flan={weights={cot=1,rest=1},tasks={cot=[\"cot_*\"],rest=[\"*\"]},task-cap=100}"));
        Row run = run(warehouse, "flan");
        Row taken = warehouse
                .rows(UncurlTable.EXAMPLES, "split", "train")
                .selectExpr("count_if(task like 'flan/cot%')", "count_if(task not like 'flan/cot%')")
                .first();
        assertThat(taken.getLong(0)).isEqualTo(100);
        assertThat(taken.getLong(1)).isEqualTo(100);
        assertThat(counts(run, "filtered").get(MixtureShares.REASON)).isPositive();
        assertThat(run.<Long>getAs("documents_kept"))
                .isEqualTo(warehouse.table(UncurlTable.EXAMPLES).count());
        assertThat(counts(run, "tokens_dropped").get(MixtureShares.REASON)).isPositive();
    }
}
