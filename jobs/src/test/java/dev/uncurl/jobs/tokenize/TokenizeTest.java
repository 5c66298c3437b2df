package dev.uncurl.jobs.tokenize;

import static dev.uncurl.jobs.tokenize.TokenizeFixture.config;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.contentHash;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.corpus;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.counts;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.data;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.run;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.tokenize;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.warehouse;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.corpus.Document;
import dev.uncurl.corpus.format.CorpusFormat;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.CorpusRun;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.tokenizer.Gpt2Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("slow")
class TokenizeTest {
    private static final String TEXT = corpus("text", "cc100", data("cc100/fiction.txt"), data("cc100/speeches.txt"));

    @TempDir
    private Path folder;

    @Test
    void theRowsAreTheSameForOneTwoAndSevenPartitions() {
        var hashes = new HashSet<String>();
        for (int partitions : new int[] {1, 2, 7}) {
            Warehouse warehouse = warehouse(folder.resolve("w" + partitions));
            tokenize(warehouse, config(folder, TEXT, "tail=carry"), partitions);
            hashes.add(contentHash(warehouse, UncurlTable.SEQUENCES));
        }
        assertThat(hashes).hasSize(1);
    }

    @Test
    void everyDocumentIsInTheSequencesTokenByTokenWithPaddedAndWithCarriedTails() {
        for (String tail : List.of("pad", "carry")) {
            Warehouse warehouse = warehouse(folder.resolve(tail));
            tokenize(warehouse, config(folder, TEXT, "tail=" + tail));
            Row run = run(warehouse, "text");
            Map<String, List<List<Integer>>> pieces = pieces(warehouse);
            Map<String, List<Integer>> expected = expected();
            assertThat(pieces).containsOnlyKeys(expected.keySet());
            pieces.forEach((document, parts) ->
                    assertThat(together(parts, expected.get(document))).isEqualTo(expected.get(document)));
            assertThat(run.<Long>getAs("padding")).isLessThan(tail.equals("carry") ? 2 * 64 : 100 * 64);
        }
    }

    /** What the sequences hold of each document, by file and offset: a piece from each sequence that it goes through. */
    private static Map<String, List<List<Integer>>> pieces(Warehouse warehouse) {
        var pieces = new HashMap<String, List<List<Integer>>>();
        int end = Gpt2Tokenizer.of(1024).endOfText();
        for (Row row : warehouse.table(UncurlTable.SEQUENCES).collectAsList()) {
            List<Row> references = row.getList(row.fieldIndex("source_refs"));
            List<Integer> tokens = row.getList(row.fieldIndex("tokens"));
            int from = 0;
            for (Row reference : references) {
                int to = from;
                while (to < tokens.size() && tokens.get(to) >= 0 && (to == from || tokens.get(to - 1) != end)) {
                    to++;
                }
                pieces.computeIfAbsent(reference.getString(0) + "@" + reference.getLong(1), k -> new ArrayList<>())
                        .add(tokens.subList(from, to));
                from = to;
            }
            assertThat(tokens.subList(from, tokens.size())).allMatch(token -> token < 0);
        }
        return pieces;
    }

    /** Lays pieces one after another, each where the document goes on with it: the shuffle has moved them. */
    private static List<Integer> together(List<List<Integer>> pieces, List<Integer> document) {
        var left = new ArrayList<>(pieces);
        left.sort(Comparator.comparingInt(piece -> -piece.size()));
        var result = new ArrayList<Integer>();
        while (!left.isEmpty()) {
            List<Integer> rest = document.subList(Math.min(result.size(), document.size()), document.size());
            List<Integer> next = left.stream()
                    .filter(piece -> piece.size() <= rest.size() && piece.equals(rest.subList(0, piece.size())))
                    .findFirst()
                    .orElse(left.get(0));
            left.remove(next);
            result.addAll(next);
        }
        return result;
    }

    private static Map<String, List<Integer>> expected() {
        var expected = new HashMap<String, List<Integer>>();
        Gpt2Tokenizer tokenizer = Gpt2Tokenizer.of(1024);
        for (String file : List.of("cc100/fiction.txt", "cc100/speeches.txt")) {
            String path = Path.of(data(file)).toUri().toString().replace("file:///", "file:/");
            try (var reader = CorpusFormat.of("cc100").open(new Configuration(), path)) {
                while (reader.hasNext()) {
                    var document = (Document) reader.next();
                    var ids = new ArrayList<Integer>();
                    for (int id : tokenizer.encode(document.text())) {
                        ids.add(id);
                    }
                    ids.add(tokenizer.endOfText());
                    expected.put(path + "@" + document.offset(), ids);
                }
            }
        }
        return expected;
    }

    @Test
    void sequencesAreNumberedFromZeroInAnOrderOfTheSeed() {
        Warehouse warehouse = warehouse(folder.resolve("w"));
        tokenize(warehouse, config(folder, TEXT));
        String first = contentHash(warehouse, UncurlTable.SEQUENCES);
        for (String split : List.of("train", "validation")) {
            Row row = warehouse
                    .rows(UncurlTable.SEQUENCES, "split", split)
                    .selectExpr("min(sequence_id)", "max(sequence_id)", "count(distinct sequence_id)", "count(*)")
                    .first();
            assertThat(row.getLong(0)).isZero();
            assertThat(row.getLong(1)).isEqualTo(row.getLong(3) - 1);
            assertThat(row.getLong(2)).isEqualTo(row.getLong(3));
        }
        Warehouse other = warehouse(folder.resolve("other"));
        tokenize(other, config(folder, TEXT, "seed=4"));
        assertThat(contentHash(other, UncurlTable.SEQUENCES)).isNotEqualTo(first);
    }

    @Test
    void damagedFilesAreAccountedForToTheDocument() {
        Warehouse warehouse = warehouse(folder.resolve("w"));
        tokenize(
                warehouse,
                config(
                        folder,
                        corpus(
                                        "xz",
                                        "cc100",
                                        data("damaged/truncated.txt.xz"),
                                        data("damaged/crlf-bom.txt"),
                                        data("damaged/empty.txt"))
                                + corpus(
                                        "json",
                                        "mc4",
                                        data("damaged/bad-rows.json"),
                                        data("damaged/truncated.json.gz"))));
        for (String corpus : List.of("xz", "json")) {
            Row run = run(warehouse, corpus);
            long rejected = run.getAs("documents_rejected");
            assertThat(rejected).isEqualTo(corpus.equals("xz") ? 0 : 12);
            assertThat(run.<Long>getAs("documents_in"))
                    .isEqualTo(run.<Long>getAs("documents_kept") + run.<Long>getAs("documents_filtered") + rejected);
            assertThat(UnitReport.total(counts(run, "rejected"))).isEqualTo(rejected);
            assertThat(run.<Long>getAs("files_damaged")).isEqualTo(1);
            assertThat(warehouse.rows(UncurlTable.REJECTIONS, "corpus", corpus).count())
                    .isEqualTo(rejected + 1);
        }
    }

    @Test
    void tooManyRejectionsLeaveTheTablesAsTheyWere() {
        Warehouse warehouse = warehouse(folder.resolve("w"));
        tokenize(warehouse, config(folder, TEXT));
        String before = contentHash(warehouse, UncurlTable.SEQUENCES);
        String bad = TEXT.replace("\"text\"", "\"more\"") + corpus("json", "mc4", data("damaged/bad-rows.json"));
        assertThatThrownBy(() -> tokenize(warehouse, config(folder, bad, "max-rejected=0.01")))
                .isInstanceOfSatisfying(
                        UserError.class,
                        userError -> assertThat(userError.kind().exitCode()).isEqualTo(4))
                .hasMessageContaining("json");
        assertThat(contentHash(warehouse, UncurlTable.SEQUENCES)).isEqualTo(before);
        assertThat(warehouse.table(UncurlTable.RUNS).count()).isEqualTo(1);
        assertThat(warehouse.table(UncurlTable.REJECTIONS).count()).isZero();
        tokenize(warehouse, config(folder, bad, "max-rejected=1"));
        assertThat(warehouse.table(UncurlTable.RUNS).count()).isEqualTo(3);
    }

    @Test
    void otherInputsOverTheSameCorpusAreRefusedWithWhatDiffers() {
        Warehouse warehouse = warehouse(folder.resolve("w"));
        tokenize(warehouse, config(folder, TEXT));
        tokenize(warehouse, config(folder, TEXT));
        assertThat(warehouse.table(UncurlTable.RUNS).count()).isEqualTo(1);
        assertThatThrownBy(() -> tokenize(warehouse, config(folder, TEXT, "seed=4", "sequence-length=32")))
                .isInstanceOfSatisfying(
                        UserError.class,
                        userError -> assertThat(userError.kind().exitCode()).isEqualTo(5))
                .hasMessageContaining("seed: 3 there, 4 asked for")
                .hasMessageContaining("sequence-length: 64 there, 32 asked for");
    }

    @Test
    void examplesAreNumberedByTaskInTheOrderOfTheirFiles() {
        Warehouse warehouse = warehouse(folder.resolve("w"));
        tokenize(
                warehouse,
                config(folder, corpus("flan", "flan", data("flan/cot_creak.jsonl"), data("flan/winogrande.jsonl"))));
        List<Row> wrong = warehouse
                .table(UncurlTable.EXAMPLES)
                .selectExpr(
                        "*", "row_number() OVER (PARTITION BY task, split ORDER BY source, source_offset) - 1 AS place")
                .where("place <> example_id")
                .collectAsList();
        assertThat(wrong).isEmpty();
        assertThat(warehouse
                        .table(UncurlTable.EXAMPLES)
                        .select("task")
                        .distinct()
                        .count())
                .isEqualTo(2);
    }

    @Test
    void theTablesSayWithWhichTokenizerACorpusWasMade() {
        Warehouse warehouse = warehouse(folder.resolve("w"));
        tokenize(warehouse, config(folder, TEXT));
        Map<String, String> properties =
                warehouse.iceberg(UncurlTable.SEQUENCES).properties();
        assertThat(properties)
                .containsEntry("uncurl.text.tokenizer", Gpt2Tokenizer.of(1024).fingerprint())
                .containsEntry("uncurl.text.sequence-length", "64")
                .containsEntry(
                        "uncurl.text.configuration", run(warehouse, "text").getAs("run_id"));
        assertThatThrownBy(() -> CorpusRun.newest(warehouse, "text").requireTokenizer("gpt2-50257-other", "m"))
                .isInstanceOf(UserError.class);
    }

    @Test
    void textOfAFileReadInBlocksIsCountedOnce() {
        Warehouse warehouse = warehouse(folder.resolve("w"));
        tokenize(warehouse, config(folder, corpus("text", "cc100", data("cc100/fiction.txt"))));
        Row run = run(warehouse, "text");
        long bytes = run.getAs("bytes");
        // a document that goes on beyond its block is passed over by the next one's reader
        assertThat(run.<Long>getAs("text_bytes")).isBetween(bytes, bytes + bytes / 2);
    }

    @Test
    void theCardHasCountsSourcesAndLicence() throws IOException {
        Warehouse warehouse = warehouse(folder.resolve("w"));
        tokenize(warehouse, config(folder, corpus("json", "mc4", data("damaged/bad-rows.json")), "licences.json=CC0"));
        String card = Files.readString(folder.resolve("w/cards/json/README.md"));
        counts(run(warehouse, "json"), "rejected")
                .forEach((reason, count) -> assertThat(card).contains("| " + reason + " | " + count + " |"));
        assertThat(card)
                .contains("Licence: CC0", "bad-rows.json", "tokenize --config test", "Lengths of kept documents");
    }
}
