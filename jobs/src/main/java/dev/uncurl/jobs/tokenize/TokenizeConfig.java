package dev.uncurl.jobs.tokenize;

import static dev.uncurl.config.Check.check;

import dev.uncurl.config.Range;
import dev.uncurl.corpus.DocumentFilter;
import dev.uncurl.error.Nearest;
import dev.uncurl.error.UserError;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * The settings of a tokenise run.
 *
 * @param vocabulary number of token ids: 50257 is the whole vocabulary of GPT-2; a smaller number uses its first merges
 * @param sequenceLength tokens of a packed sequence
 * @param tail handling of the tokens at the end of a unit that do not fill a sequence
 * @param blockBytes size of the units into which uncompressed files are divided; each compressed file is one unit
 * @param validationFraction share of the documents in the validation split, selected by the hash of the content
 * @param maxRejected largest share of rejected documents of a corpus; above it nothing is written
 * @param maxDamagedFiles largest number of damaged or truncated files of a corpus; above it nothing is written
 * @param seed of the order of the packed sequences
 * @param filter which documents are kept
 * @param duplicates which copies of documents are left out
 * @param mixtures how much of each task is taken, by corpus of examples; all examples of a corpus without one are taken
 * @param licences of corpora, by name, for the dataset card
 * @param corpora what to read
 */
record TokenizeConfig(
        int vocabulary,
        int sequenceLength,
        Tail tail,
        long blockBytes,
        double validationFraction,
        double maxRejected,
        int maxDamagedFiles,
        long seed,
        Filter filter,
        Duplicates duplicates,
        Map<String, Mixture> mixtures,
        Map<String, String> licences,
        List<Corpus> corpora) {
    /** Handling of the last tokens of a unit and split, which do not fill a sequence. */
    enum Tail {
        /** Pad them to a sequence. */
        PAD,
        /** Pack them together with the tails of the other units of the corpus, in order. */
        CARRY
    }

    /**
     * The filter of documents; examples are not filtered.
     *
     * @param minimumCharacters smallest number of characters of a document
     * @param maximumCharacters largest number of characters of a document
     * @param languages tags of conf/language.conf, and und for undetermined; empty: all
     * @param normalization none or nfc; applied to the text first
     * @param tagLanguages whether kept documents are counted by language in corpus.runs
     */
    record Filter(
            int minimumCharacters,
            int maximumCharacters,
            List<String> languages,
            DocumentFilter.Normalization normalization,
            boolean tagLanguages)
            implements java.io.Serializable {
        Filter {
            Range.MINIMUM_CHARACTERS.check(minimumCharacters);
            Range.MAXIMUM_CHARACTERS.check(maximumCharacters);
            check(
                    maximumCharacters >= minimumCharacters,
                    "filter.maximum-characters",
                    maximumCharacters,
                    "filter.minimum-characters or more; 2147483647 for no limit");
            check(languages != null, "filter.languages", null, "tags such as [en], or [] for all");
            check(normalization != null, "filter.normalization", null, "none or nfc");
        }

        /** @throws UserError (usage) for a language that the rule does not know */
        DocumentFilter documentFilter() {
            return DocumentFilter.of(minimumCharacters, maximumCharacters, Set.copyOf(languages), normalization);
        }
    }

    /**
     * How much of the training split of each task is taken. Sources have given weights; within a source, tasks are
     * taken in proportion to their numbers of examples, each counted up to the cap.
     *
     * @param weights by source
     * @param tasks names of tasks by source; a name that ends with * is a prefix, and the longest match is used
     * @param taskCap largest number of examples for which a task counts
     */
    record Mixture(Map<String, Double> weights, Map<String, List<String>> tasks, long taskCap) {
        Mixture {
            check(weights != null && !weights.isEmpty(), "mixtures.weights", weights, "source = number pairs");
            check(
                    tasks != null && tasks.keySet().equals(weights.keySet()),
                    "mixtures.tasks",
                    tasks,
                    "names of tasks for each of " + (weights == null ? "" : weights.keySet()));
            weights.values().forEach(Range.MIXTURE_WEIGHT::check);
            check(
                    weights.values().stream().anyMatch(weight -> weight > 0),
                    "mixtures.weights",
                    weights,
                    "numbers, at least one of them above 0");
            Range.TASK_CAP.check(taskCap);
        }
    }

    /**
     * Handling of exact copies: documents, or examples, with the same text. The first one in the order of corpora,
     * files and positions is kept.
     *
     * @param within where copies are searched
     * @param against corpora of earlier runs whose documents count as originals; they must have been tokenised with
     *     within other than none
     */
    record Duplicates(Within within, List<String> against) {
        /** Where copies are searched. */
        enum Within {
            /** Nowhere: all copies are kept. */
            NONE,
            /** In each corpus separately. */
            CORPUS,
            /** In all corpora of the run together. */
            RUN
        }

        Duplicates {
            check(within != null, "duplicates.within", null, "none, corpus or run");
            check(against != null, "duplicates.against", null, "names of corpora, or []");
            check(
                    within != Within.NONE || against.isEmpty(),
                    "duplicates.against",
                    against,
                    "[] while duplicates.within = none");
        }

        /** Whether hashes of the kept texts are stored for later runs. */
        boolean keepsHashes() {
            return within != Within.NONE;
        }
    }

    /**
     * One corpus.
     *
     * @param name in the tables: up to {@value #LONGEST_NAME} lower-case letters, digits and {@code _ . -}, in parts
     *     that are separated by a slash and begin with a letter or digit
     * @param format of the files: a name such as mc4, a task such as superglue/boolq, or the path of a task's file
     * @param paths files, folders (with their subfolders) or globs
     * @param validationPaths files of the validation split, if the publisher defines one; empty: split by content. A
     *     file in both lists is used for validation only
     */
    record Corpus(String name, String format, List<String> paths, List<String> validationPaths) {
        /** Largest number of characters of a name. */
        static final int LONGEST_NAME = 200;

        private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9_.-]*(/[a-z0-9][a-z0-9_.-]*)*");

        Corpus {
            check(
                    name != null
                            && name.length() <= LONGEST_NAME
                            && NAME.matcher(name).matches(),
                    "name",
                    name,
                    "such as cc100 or flan/cot: up to " + LONGEST_NAME
                            + " lower-case letters, digits, '_', '.' and '-', in parts that begin with a letter or digit");
            check(format != null, "format", format, "cc100, mc4, flan, or a task such as superglue/boolq");
            check(paths != null && !paths.isEmpty(), "paths", paths, "files, folders or globs");
            check(validationPaths != null, "validation-paths", validationPaths, "files, or [] to split by content");
        }
    }

    /** Returns these settings with another limit of damaged files. */
    TokenizeConfig withMaxDamagedFiles(int files) {
        return new TokenizeConfig(
                vocabulary,
                sequenceLength,
                tail,
                blockBytes,
                validationFraction,
                maxRejected,
                files,
                seed,
                filter,
                duplicates,
                mixtures,
                licences,
                corpora);
    }

    TokenizeConfig {
        Range.VOCABULARY.check(vocabulary);
        Range.SEQUENCE_LENGTH.check(sequenceLength);
        check(tail != null, "tail", null, "pad or carry");
        Range.BLOCK_BYTES.check(blockBytes);
        check(filter != null, "filter", null, "a block of settings, as in conf/tokenize/demo.conf");
        check(mixtures != null, "mixtures", null, "{} or a mixture by corpus");
        check(duplicates != null, "duplicates", null, "{ within = none, against = [] }");
        check(licences != null, "licences", null, "{} or corpus = \"licence\" pairs");
        Range.VALIDATION_FRACTION.check(validationFraction);
        Range.MAX_REJECTED.check(maxRejected);
        Range.MAX_DAMAGED_FILES.check(maxDamagedFiles);
        check(corpora != null && !corpora.isEmpty(), "corpora", corpora, "one corpus or more");
        var names = new HashSet<String>();
        for (Corpus corpus : corpora) {
            check(names.add(corpus.name()), "corpora.name", corpus.name(), "a name that no other corpus has");
        }
        requireCorpora("mixtures", mixtures.keySet(), names);
        requireCorpora("licences", licences.keySet(), names);
        for (String earlier : duplicates.against()) {
            check(
                    !names.contains(earlier),
                    "duplicates.against",
                    earlier,
                    "corpora of earlier runs, not of this run; within = run compares the corpora of this run");
        }
    }

    private static void requireCorpora(String setting, Collection<String> given, Collection<String> names) {
        for (String name : given) {
            if (!names.contains(name)) {
                throw UserError.usage(
                        setting + " names " + name + ", which is not a corpus of this run",
                        Nearest.hint(name, new TreeSet<>(names)));
            }
        }
    }
}
