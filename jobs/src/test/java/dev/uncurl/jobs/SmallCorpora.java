package dev.uncurl.jobs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A configuration of tokenize with one corpus of text and one task of test-data. */
public final class SmallCorpora {
    /** In a document. The file of test-data has seven long documents, of which a third of the text would be for validation. */
    private static final int SENTENCES = 20;

    private SmallCorpora() {}

    /** Writes {@code corpora.conf} into a folder, and returns it. */
    public static Path write(Path folder, int vocabulary, int sequenceLength) throws IOException {
        Path data = Path.of("../test-data").toRealPath();
        Path texts = Files.write(folder.resolve("speeches.txt"), documents(data.resolve("cc100/speeches.txt")));
        return Files.writeString(
                folder.resolve("corpora.conf"),
                """
                include classpath("conf/tokenize/defaults.conf")
                vocabulary = %2$d, sequence-length = %3$d, validation-fraction = 0.1, max-rejected = 0, seed = 1
                corpora = [
                  { name = cc100, format = cc100, paths = ["%4$s"], validation-paths = [] }
                  { name = superglue/copa, format = superglue/copa
                    paths = ["%1$s/superglue/COPA/train.jsonl"], validation-paths = ["%1$s/superglue/COPA/val.jsonl"] }
                ]
                """
                        .formatted(data, vocabulary, sequenceLength, texts));
    }

    /** The sentences of a file as short documents in format cc100, each closed by an empty line. */
    private static List<String> documents(Path file) throws IOException {
        List<String> sentences = Files.readAllLines(file).stream()
                .flatMap(line -> Arrays.stream(line.split("(?<=[.!?]) ")))
                .toList();
        var documents = new ArrayList<String>();
        for (int first = 0; first < sentences.size(); first += SENTENCES) {
            int end = Math.min(first + SENTENCES, sentences.size());
            documents.add(String.join(" ", sentences.subList(first, end)));
            documents.add("");
        }
        return documents;
    }
}
