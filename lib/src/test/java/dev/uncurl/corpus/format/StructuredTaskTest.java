package dev.uncurl.corpus.format;

import static dev.uncurl.corpus.format.Corpora.only;
import static dev.uncurl.corpus.format.Corpora.read;
import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.corpus.Example;
import dev.uncurl.corpus.Outcome;
import dev.uncurl.corpus.Rejection;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The tasks whose rows are no flat fields. The expectations are written by hand from lm-evaluation-harness's wording.
 */
class StructuredTaskTest {
    @Test
    void multircGivesAnExampleForEachAnswerAndAGroupForEachQuestion() {
        var examples = examples(
                "multirc",
                """
                {"idx":0,"passage":{"text":"Ann sings. Bo hums.","questions":[
                 {"question":"Who sings?","idx":0,"answers":[{"text":"Bo","idx":0,"label":0},{"text":"Ann","idx":1,"label":1}]},
                 {"question":"Who hums?","idx":1,"answers":[{"text":"Bo","idx":2,"label":1}]}]}}""");
        assertThat(examples).hasSize(3);
        assertThat(examples.get(1).inputs()).isEqualTo("Ann sings. Bo hums.\nQuestion: Who sings?\nAnswer:");
        assertThat(examples.get(1).choices())
                .containsExactly(" Ann\nIs the answer correct? no", " Ann\nIs the answer correct? yes");
        assertThat(examples.get(1).targets()).isEqualTo(" Ann\nIs the answer correct? yes");
        assertThat(examples.stream().map(Example::label)).containsExactly(0, 1, 1);
        assertThat(examples.stream().map(Example::part)).containsExactly(0, 1, 2);
        assertThat(examples.stream().map(Example::group)).containsExactly(0, 0, 1);
        assertThat(examples.stream().map(Example::offset)).containsOnly(0L);
    }

    @Test
    void recordReadsAsTheHarnessWritesIt() {
        var example = examples(
                        "record",
                        """
                {"source":"x","passage":{"text":"Zed \ud83d\ude00 met Ann Lee and Bo.\\n@highlight\\nZed met Bo\\n@highlight\\nIt rained",
                 "entities":[{"start":0,"end":2},{"start":10,"end":16},{"start":22,"end":23},{"start":36,"end":38}]},
                 "qas":[{"query":"Later @placeholder left @placeholder.","idx":0,
                  "answers":[{"start":0,"end":2,"text":"Zed"},{"start":10,"end":16,"text":"Ann Lee"},{"start":0,"end":2,"text":"Zed"}]}]}"""
                                .replace("\"start\":36,\"end\":38", "\"start\":37,\"end\":39"))
                .get(0);
        assertThat(example.inputs())
                .isEqualTo("Zed \ud83d\ude00 met Ann Lee and Bo.\n\n  - Zed met Bo.\n  - It rained.\n");
        assertThat(example.choices())
                .containsExactly("  - Later Ann Lee left Ann Lee.", "  - Later Bo left Bo.", "  - Later Zed left Zed.");
        assertThat(example.label()).isZero();
        assertThat(example.rightChoices()).containsExactly(0, 2);
        assertThat(example.targets()).isEqualTo("  - Later Ann Lee left Ann Lee.");
    }

    @Test
    void wicReadsAsTheHarnessWritesIt() {
        var example = examples(
                        "wic",
                        """
                {"word":"run","sentence1":"\ud83d\ude00 He ran.","sentence2":"She runs.","idx":0,"label":true,
                 "start1":5,"start2":4,"end1":8,"end2":8,"version":1.1}""")
                .get(0);
        assertThat(example.inputs())
                .isEqualTo(
                        "Sentence 1: \ud83d\ude00 He ran.\nSentence 2: She runs.\nQuestion: Is the word 'ran' used in the"
                                + " same way in the two sentences above?\nAnswer:");
        assertThat(example.choices()).containsExactly(" no", " yes");
        assertThat(example.targets()).isEqualTo(" yes");
    }

    @Test
    void wscReadsAsTheHarnessWritesIt() {
        var example = examples(
                        "wsc",
                        """
                {"text":"The dog did n't like the cat , so it (the one) ran.","idx":0,"label":false,
                 "target":{"span1_index":5,"span1_text":"The cat","span2_index":9,"span2_text":"it"}}""")
                .get(0);
        assertThat(example.inputs())
                .isEqualTo(
                        "Passage: The dog didn't like the cat, so *it* (the one) ran.\nQuestion: In the passage above,"
                                + " does the pronoun \"*it*\" refer to \"*the cat*\"?\nAnswer:");
        assertThat(example.targets()).isEqualTo(" no");
    }

    @Test
    void aPronounMayStandFirstOrAmongPunctuation() {
        assertThat(passage("It rained.", "it", 0)).isEqualTo("*It* rained.");
        assertThat(passage("  She said  \"he did\"", "he", 2)).isEqualTo("She said\"*he* did\"");
        assertThat(passage("for him.", "him", 1)).isEqualTo("for *him*.");
    }

    @Test
    void aPronounIsAWordAndNoPartOfOne() {
        for (String text :
                List.of("Mark told Pete they lied.", "Mark told Pete the lied.", "Mark told Pete he\u0301 lied.")) {
            assertThat(reason("wsc", wsc(text, "he", 3))).isEqualTo("span2_text is not at span2_index");
        }
        assertThat(passage("Mark told Pete he lied.", "he", 3)).isEqualTo("Mark told Pete *he* lied.");
        assertThat(passage("Ann saw he's, or (He).", "he", 2)).isEqualTo("Ann saw *he*'s, or (He).");
        assertThat(passage("they/he lied.", "he", 0)).isEqualTo("they/*he* lied.");
        // blanks of every kind part words, as Python's split() has it
        assertThat(passage("Ann\u00a0saw\u3000him.", "him", 2)).isEqualTo("Ann saw *him*.");
    }

    @Test
    void aPronounBesideItsIndexIsRejected() {
        for (int index : List.of(2, 4)) {
            assertThat(reason("wsc", wsc("Mark told Pete he lied.", "he", index)))
                    .isEqualTo("span2_text is not at span2_index");
        }
    }

    private static String passage(String text, String pronoun, int index) {
        String inputs = examples("wsc", wsc(text, pronoun, index)).get(0).inputs();
        return inputs.substring("Passage: ".length(), inputs.indexOf('\n')).strip();
    }

    private static String wsc(String text, String pronoun, int index) {
        return "{\"text\":\"" + text.replace("\"", "\\\"") + "\",\"label\":true,\"target\":{\"span1_text\":\"x\","
                + "\"span2_text\":\"" + pronoun + "\",\"span2_index\":" + index + "}}";
    }

    @Test
    void spansThatAreCountedInOtherUnitsAreRejected() {
        // in UTF-16 the face has two units, in UTF-8 four
        String wic = "{\"sentence1\":\"\ud83d\ude00 run on\",\"sentence2\":\"I run\",\"label\":true,"
                + "\"start1\":%d,\"end1\":%d,\"start2\":%d,\"end2\":%d}";
        assertThat(examples("wic", String.format(wic, 2, 5, 2, 5))).hasSize(1);
        assertThat(reason("wic", String.format(wic, 3, 6, 2, 5)))
                .isEqualTo("start1 and end1 are not at the ends of words of sentence1");
        assertThat(reason("wic", String.format(wic, 2, 5, 3, 5)))
                .isEqualTo("start2 and end2 are not at the ends of words of sentence2");
        assertThat(reason("wic", String.format(wic, 2, 5, 2, 6))).isEqualTo("start2 and end2 are not in sentence2");
        String record = "{\"passage\":{\"text\":\"Bo \ud83d\ude00 met Ann.\",\"entities\":[{\"start\":0,\"end\":1},"
                + "{\"start\":9,\"end\":11}]},\"qas\":[{\"query\":\"@placeholder\",\"answers\":[{\"start\":%d,"
                + "\"end\":%d,\"text\":\"%s\"}]}]}";
        assertThat(examples("record", String.format(record, 9, 11, "Ann"))).hasSize(1);
        for (String answer : List.of("10 12 Ann", "0 1 Ann", "9 99 Ann", "9 10 Ann")) {
            String[] words = answer.split(" ");
            assertThat(reason(
                            "record",
                            String.format(record, Integer.valueOf(words[0]), Integer.valueOf(words[1]), words[2])))
                    .isEqualTo("an answer is not at its position");
        }
    }

    @Test
    void aRowIsTakenOrRefusedAsAWhole() {
        String row = "{\"passage\":{\"text\":\"p\",\"questions\":[{\"question\":\"q\",\"answers\":["
                + "{\"text\":\"a\",\"label\":1},%s]}]}}";
        assertThat(reason("multirc", String.format(row, "{\"text\":\"b\"}"))).isEqualTo("no label");
        assertThat(reason("multirc", String.format(row, "{\"text\":\"b\",\"label\":2}")))
                .isEqualTo("field label has a value that is not known");
        assertThat(reason("multirc", String.format(row, "1")))
                .isEqualTo("array answers has an element that is not an object");
        assertThat(reason("multirc", "{\"passage\":{\"text\":\"p\",\"questions\":[]}}"))
                .isEqualTo("no answers");
        assertThat(reason("multirc", "{\"passage\":1}")).isEqualTo("no object passage");
    }

    @Test
    void spansThatDoNotFitAreRefused() {
        String record = "{\"passage\":{\"text\":\"Ann\",\"entities\":[{\"start\":0,\"end\":2}]},\"qas\":[%s]}";
        assertThat(reason("record", String.format(record, "{\"query\":\"@placeholder\"}")))
                .isEqualTo("no label");
        assertThat(reason("record", String.format(record, "{\"query\":\"@placeholder\",\"answers\":[]}")))
                .isEqualTo("no label");
        assertThat(reason(
                        "record",
                        String.format(record, "{\"query\":\"@placeholder\",\"answers\":[{\"text\":\"Bo\"}]}")))
                .isEqualTo("an answer is not among the entities");
        assertThat(reason("record", String.format(record, "{\"query\":\"x\",\"answers\":[{\"text\":\"Ann\"}]}")))
                .isEqualTo("no @placeholder in query");
        assertThat(reason("record", String.format(record, "").replace(":2", ":3")))
                .isEqualTo("an entity is not in the text");
        assertThat(reason("record", String.format(record, ""))).isEqualTo("no queries");
        String wic = "{\"sentence1\":\"run\",\"sentence2\":\"b\",\"label\":true,\"start1\":%s,\"end1\":%s}";
        assertThat(reason("wic", String.format(wic, 0, 4))).isEqualTo("start1 and end1 are not in sentence1");
        assertThat(reason("wic", String.format(wic, "0.5", 3))).isEqualTo("field start1 is not a whole number");
        String wsc =
                "{\"text\":\"a b\",\"label\":true,\"target\":{\"span1_text\":\"a\",\"span2_text\":\"b\",\"span2_index\":%s}}";
        for (int index : List.of(-1, 0, 2, Integer.MAX_VALUE)) {
            assertThat(reason("wsc", String.format(wsc, index))).isEqualTo("span2_text is not at span2_index");
        }
    }

    /** 4 MB of spans and queries would make 64 GB of statements. */
    @Test
    void rowsThatWouldGetHugeAreRefused() {
        String spans = java.util.stream.IntStream.range(0, 20_000)
                .mapToObj(i -> "{\"start\":0,\"end\":" + i + "}")
                .collect(Collectors.joining(","));
        assertThat(reason(
                        "record",
                        "{\"passage\":{\"text\":\"" + "x".repeat(20_000) + "\",\"entities\":[" + spans
                                + "]},\"qas\":[]}"))
                .startsWith("choices longer than");
        assertThat(reason("multirc", "{\"passage\":[" + "0,".repeat(300_000) + "0]}"))
                .startsWith("more than 262144 values");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "multirc MultiRC train 3 12", "multirc MultiRC val 1 4", "record ReCoRD train 2 3",
                        "record ReCoRD val 1 1",
                "wic WiC train 8 8", "wic WiC val 4 4", "wsc WSC train 8 8", "wsc WSC val 4 4"
            })
    void theTestDataGivesItsExamplesAndCountsItsRows(String line) throws Exception {
        String[] words = line.split(" ");
        String file = "superglue/" + words[1] + "/" + words[2] + ".jsonl";
        try (var reader = CorpusFormat.of("superglue/" + words[0]).open(Corpora.HADOOP, Corpora.DATA + file)) {
            var examples = only(Example.class, Corpora.all(reader));
            assertThat(reader.rows()).isEqualTo(Long.parseLong(words[3]));
            assertThat(examples).hasSize(Integer.parseInt(words[4]));
            assertThat(examples.stream().filter(example -> example.part() == 0)).hasSize((int) reader.rows());
        }
        assertThat(only(Rejection.class, read("superglue/" + words[0], file))).isEmpty();
    }

    private static List<Example> examples(String task, String row) {
        return only(Example.class, outcomes(task, row));
    }

    private static String reason(String task, String row) {
        assertThat(outcomes(task, row)).hasSize(1);
        return ((Rejection) outcomes(task, row).get(0)).reason();
    }

    private static List<Outcome> outcomes(String task, String row) {
        byte[] line = row.replace("\n", "").getBytes(StandardCharsets.UTF_8);
        try (var reader = CorpusFormat.of("superglue/" + task)
                .read("x", new ByteArrayInputStream(line), CorpusReader.DEFAULT_CAP)) {
            var outcomes = Corpora.all(reader);
            assertThat(reader.rows()).isOne();
            return outcomes;
        }
    }
}
