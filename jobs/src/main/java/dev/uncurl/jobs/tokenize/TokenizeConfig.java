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
 * What to tokenise and how.
 *
 * @param vocabulary token ids: 50257 is GPT-2's whole vocabulary, fewer are its first merges
 * @param sequenceLength tokens of a packed sequence
 * @param tail what becomes of tokens at the end of a unit that do not fill a sequence
 * @param blockBytes plain files are cut into units of this many bytes; compressed ones are a unit each
 * @param validationFraction share of the documents, by the hash of their content, that is kept for validation
 * @param maxRejected share of a corpus's documents that may be rejected before nothing is written
 * @param maxDamagedFiles files of a corpus that may be damaged or cut off before nothing is written
 * @param seed of the order of the packed sequences
 * @param filter which documents are kept
 * @param duplicates which copies of documents are left out
 * @param mixtures how much is taken of each task of a corpus of examples, by corpus; a corpus without one is taken whole
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
    /** What becomes of the last tokens of a unit and split, less than a sequence. */
    enum Tail {
        /** They are padded to a sequence. */
        PAD,
        /** They are packed on with the tails of the other units of the corpus, in order. */
        CARRY
    }

    /**
     * Which documents are kept; examples are not filtered.
     *
     * @param minimumCharacters of a document
     * @param maximumCharacters of a document
     * @param languages tags of conf/language.conf, and und for undetermined; empty: all
     * @param normalization none or nfc, before anything else looks at the text
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
     * How much of the training split of each task is taken: sources in given weights, within a source tasks in
     * proportion to their examples, of which none counts for more than the cap.
     *
     * @param weights by source
     * @param tasks names of tasks by source; a name that ends with * stands for all that begin so, the longest wins
     * @param taskCap examples that a task counts for at most
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
                    "numbers of which one at least is above 0");
            Range.TASK_CAP.check(taskCap);
        }
    }

    /**
     * Exact copies: documents, or examples, with the same text. The first one, in the order of corpora, files and
     * places, is kept.
     *
     * @param within where copies are looked for
     * @param against corpora of earlier runs whose documents count as first ones; they must have been tokenised with
     *     within other than none
     */
    record Duplicates(Within within, List<String> against) {
        /** Where copies are looked for. */
        enum Within {
            /** Nowhere; nothing is left out. */
            NONE,
            /** In each corpus by itself. */
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

        /** Whether hashes of what is kept are written down, for later runs. */
        boolean keepsHashes() {
            return within != Within.NONE;
        }
    }

    /**
     * One corpus.
     *
     * @param name in the tables: up to {@value #LONGEST_NAME} lower-case letters, digits and {@code _ . -}, in parts with
     *     a slash between them, each of which begins with a letter or digit
     * @param format cc100, mc4, flan or superglue/&lt;task&gt;
     * @param paths files, folders (with their subfolders) or globs
     * @param validationPaths those of the validation split where the publisher made one; empty: split by content. A file
     *     that both name validates only
     */
    record Corpus(String name, String format, List<String> paths, List<String> validationPaths) {
        /** Characters of a name at most. */
        static final int LONGEST_NAME = 200;

        private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9_.-]*(/[a-z0-9][a-z0-9_.-]*)*");

        Corpus {
            check(
                    name != null
                            && name.length() <= LONGEST_NAME
                            && NAME.matcher(name).matches(),
                    "name",
                    name,
                    "cc100, flan/cot or the like: up to " + LONGEST_NAME
                            + " lower-case letters, digits, '_', '.' and '-', in parts that begin with a letter or digit");
            check(format != null, "format", format, "cc100, mc4, flan or superglue/<task>");
            check(paths != null && !paths.isEmpty(), "paths", paths, "files, folders or globs");
            check(validationPaths != null, "validation-paths", validationPaths, "files, or [] to split by content");
        }
    }

    /** These settings with another ceiling of damaged files. */
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
                    "corpora of earlier runs, which this run does not make itself; within = run compares its own");
        }
    }

    private static void requireCorpora(String setting, Collection<String> given, Collection<String> names) {
        for (String name : given) {
            if (!names.contains(name)) {
                throw UserError.usage(
                        setting + " names " + name + ", which is no corpus of this run",
                        Nearest.hint(name, new TreeSet<>(names)));
            }
        }
    }
}
