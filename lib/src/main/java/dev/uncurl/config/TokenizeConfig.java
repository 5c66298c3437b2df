package dev.uncurl.config;

import static dev.uncurl.config.Check.check;

import java.util.HashSet;
import java.util.List;

/**
 * What to tokenise and how.
 *
 * @param vocabulary token ids: 50257 is GPT-2's whole vocabulary, fewer are its first merges
 * @param sequenceLength tokens of a packed sequence
 * @param validationFraction share of the documents, by the hash of their content, that is kept for validation
 * @param maxRejected share of a corpus's documents that may be rejected before nothing is written
 * @param seed of the order of the packed sequences
 * @param corpora what to read
 */
public record TokenizeConfig(
        int vocabulary,
        int sequenceLength,
        double validationFraction,
        double maxRejected,
        long seed,
        List<Corpus> corpora) {
    /**
     * One corpus.
     *
     * @param name in the tables
     * @param format cc100, mc4, flan or superglue/&lt;task&gt;
     * @param paths files, folders or globs
     * @param validationPaths those of the validation split where the publisher made one; empty: split by content
     */
    public record Corpus(String name, String format, List<String> paths, List<String> validationPaths) {
        public Corpus {
            check(name != null && name.matches("[a-z0-9][a-z0-9_./-]*"), "name", name, "a name such as cc100");
            check(format != null, "format", format, "cc100, mc4, flan or superglue/<task>");
            check(paths != null && !paths.isEmpty(), "paths", paths, "files, folders or globs");
            check(validationPaths != null, "validation-paths", validationPaths, "files, or [] to split by content");
        }
    }

    public TokenizeConfig {
        check(sequenceLength >= 2, "sequence-length", sequenceLength, "2 or more");
        check(
                validationFraction >= 0 && validationFraction < 1,
                "validation-fraction",
                validationFraction,
                "a share from 0 to below 1");
        check(maxRejected >= 0 && maxRejected <= 1, "max-rejected", maxRejected, "a share between 0 and 1");
        check(corpora != null && !corpora.isEmpty(), "corpora", corpora, "one corpus or more");
        var names = new HashSet<String>();
        for (Corpus corpus : corpora) {
            check(names.add(corpus.name()), "corpora.name", corpus.name(), "a name that no other corpus has");
        }
    }
}
