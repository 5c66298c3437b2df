package dev.uncurl.jobs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A configuration of tokenize with one corpus of text and one task of test-data. */
public final class SmallCorpora {
    private SmallCorpora() {}

    /** Writes {@code corpora.conf} into a folder, and returns it. */
    public static Path write(Path folder, int vocabulary, int sequenceLength) throws IOException {
        return Files.writeString(
                folder.resolve("corpora.conf"),
                """
                include classpath("conf/tokenize/defaults.conf")
                vocabulary = %2$d, sequence-length = %3$d, validation-fraction = 0.1, max-rejected = 0, seed = 1
                corpora = [
                  { name = cc100, format = cc100, paths = ["%1$s/cc100/speeches.txt"], validation-paths = [] }
                  { name = superglue/copa, format = superglue/copa
                    paths = ["%1$s/superglue/COPA/train.jsonl"], validation-paths = ["%1$s/superglue/COPA/val.jsonl"] }
                ]
                """
                        .formatted(Path.of("../test-data").toRealPath(), vocabulary, sequenceLength));
    }
}
