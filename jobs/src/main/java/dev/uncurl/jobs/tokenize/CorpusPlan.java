package dev.uncurl.jobs.tokenize;

import dev.uncurl.checkpoint.Lineage;
import dev.uncurl.config.Settings;
import dev.uncurl.corpus.ContentHash;
import dev.uncurl.corpus.format.CorpusFormat;
import dev.uncurl.corpus.io.CorpusFile;
import dev.uncurl.corpus.io.CorpusListing;
import dev.uncurl.corpus.task.TaskDefinition;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.CorpusRun;
import dev.uncurl.tokenizer.Gpt2Tokenizer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;

/**
 * The plan of a run for one corpus: its units and everything that determines its rows.
 *
 * <p>Inputs are identified by their contents: the SHA-256 of their bytes, in reading order, and the names of the files,
 * which determine the compression and some task names. Modification times and folders are not included: the same files
 * in another folder are the same inputs. A corpus that is reused for this reason keeps the paths of its first run in
 * source_refs.
 *
 * @param inputs names and values of everything that determines the rows
 * @param sources paths of the files, in order
 * @param bytes total size of the files on disk
 * @param remarks lines for the user about files that were found or skipped
 */
record CorpusPlan(
        TokenizeConfig.Corpus corpus,
        List<TokenUnit> units,
        UnitRules rules,
        String promptVersion,
        Map<String, String> inputs,
        List<String> sources,
        long bytes,
        List<String> remarks) {
    private static final String CONTENTS = "contents";

    /** Input bytes per bucket of the shuffle, which one task keeps in memory; and the largest number of buckets. */
    private static final long BUCKET_BYTES = 8L << 20;

    private static final int MOST_BUCKETS = 1024;

    /** Largest number of units of a corpus, since the driver keeps a report of each. */
    private static final long MOST_UNITS = 1_000_000;

    String name() {
        return corpus.name();
    }

    /**
     * The id of the run: equal inputs give equal ids.
     *
     * @throws IllegalStateException before the contents are hashed
     */
    String runId() {
        if (!inputs.containsKey(CONTENTS)) {
            throw new IllegalStateException("The inputs of " + name() + " have not been hashed");
        }
        return Settings.hash(inputs);
    }

    /**
     * A format, with what tells it from others.
     *
     * @param taskText text of the task's file if the name is the path of one; else null
     */
    private record Format(String name, String taskText, CorpusFormat reader) {
        static Format of(String name) {
            String taskText = TaskDefinition.fileText(name);
            return new Format(name, taskText, CorpusFormat.of(name, taskText));
        }

        /** A task's file counts by its text, wherever it is. The metrics are for those who evaluate. */
        void addTo(Map<String, String> inputs) {
            inputs.put(CorpusRun.FORMAT, taskText == null ? name : reader.corpus());
            inputs.put("prompt-version", reader.promptVersion());
            if (taskText != null && reader instanceof CorpusFormat.Task own) {
                inputs.put("task-file", ContentHash.of(taskText).hex());
                inputs.put(CorpusRun.METRICS, CorpusRun.names(own.task().metrics()));
            }
            reader.exampleForm().ifPresent(form -> inputs.put("example-form", form));
        }
    }

    /** Finds and checks the files, and divides them into units. */
    static CorpusPlan of(TokenizeConfig config, TokenizeConfig.Corpus corpus, Configuration hadoop) {
        var format = Format.of(corpus.format());
        boolean fixed = !corpus.validationPaths().isEmpty();
        var units = new ArrayList<TokenUnit>();
        var sources = new ArrayList<CorpusFile>();
        CorpusListing listing = CorpusListing.of(hadoop, corpus.paths(), corpus.validationPaths());
        for (CorpusFile file : listing.files()) {
            sources.add(file);
            cut(config, corpus, format, file, fixed ? "train" : null, units);
        }
        for (CorpusFile file : listing.validation()) {
            sources.add(file);
            cut(config, corpus, format, file, "validation", units);
        }
        long bytes = sources.stream().mapToLong(CorpusFile::bytes).sum();
        var rules = new UnitRules(
                config.vocabulary(),
                config.sequenceLength(),
                config.validationFraction(),
                config.seed(),
                (int) Math.max(1, Math.min(MOST_BUCKETS, bytes / BUCKET_BYTES)),
                config.tail() == TokenizeConfig.Tail.CARRY,
                config.duplicates().keepsHashes(),
                config.filter());
        return new CorpusPlan(
                corpus,
                units,
                rules,
                format.reader.promptVersion(),
                inputs(config, corpus, format, sources, fixed, bytes),
                sources.stream().map(CorpusFile::path).toList(),
                bytes,
                listing.remarks());
    }

    private static void cut(
            TokenizeConfig config,
            TokenizeConfig.Corpus corpus,
            Format format,
            CorpusFile file,
            String split,
            List<TokenUnit> units) {
        String name = corpus.name();
        long block = config.blockBytes();
        if (file.bytes() <= block || !format.reader.splittable(file.path())) {
            units.add(new TokenUnit(
                    name,
                    units.size(),
                    file.path(),
                    format.name,
                    format.taskText,
                    split,
                    0,
                    -1,
                    file.bytes(),
                    true,
                    null));
            return;
        }
        long blocks = (file.bytes() + block - 1) / block;
        if (units.size() + blocks > MOST_UNITS) {
            throw UserError.usage(
                    "block-bytes = " + block + " divides corpus " + name + " into " + (units.size() + blocks)
                            + " or more units, at file " + file.path() + ", over the limit of " + MOST_UNITS,
                    "Set block-bytes to a larger value, such as 67108864.");
        }
        for (long start = 0; start < file.bytes(); start += block) {
            long length = Math.min(block, file.bytes() - start);
            boolean last = start + length == file.bytes();
            units.add(new TokenUnit(
                    name,
                    units.size(),
                    file.path(),
                    format.name,
                    format.taskText,
                    split,
                    start,
                    length,
                    length,
                    last,
                    null));
        }
    }

    private static Map<String, String> inputs(
            TokenizeConfig config,
            TokenizeConfig.Corpus corpus,
            Format format,
            List<CorpusFile> sources,
            boolean fixed,
            long bytes) {
        var inputs = new TreeMap<String, String>();
        format.addTo(inputs);
        inputs.put("files", Integer.toString(sources.size()));
        inputs.put("bytes", Long.toString(bytes));
        inputs.put("splits", fixed ? "by file" : "by content, validation-fraction = " + config.validationFraction());
        inputs.put(Lineage.TOKENIZER, Gpt2Tokenizer.of(config.vocabulary()).fingerprint());
        inputs.put("sequence-length", Integer.toString(config.sequenceLength()));
        inputs.put("tail", config.tail().toString());
        inputs.put("block-bytes", Long.toString(config.blockBytes()));
        inputs.put("seed", Long.toString(config.seed()));
        inputs.put("filter", config.filter().documentFilter().description());
        var mixture = config.mixtures().get(corpus.name());
        inputs.put("mixture", mixture == null ? "none" : Settings.json(mixture));
        inputs.put("duplicates", Settings.json(config.duplicates()));
        return inputs;
    }

    /** Returns the plan with an additional input. */
    CorpusPlan with(String input, String value) {
        var more = new TreeMap<>(inputs);
        more.put(input, value);
        return new CorpusPlan(corpus, units, rules, promptVersion, more, sources, bytes, remarks);
    }

    /** The properties of a file that determine rows. */
    private record Contents(String split, String name, List<String> sha256) {}

    /**
     * Returns the plan with the contents of its files as an additional input.
     *
     * @param sha256 hash of the bytes of each unit
     */
    CorpusPlan withContents(List<String> sha256) {
        var hashed = new ArrayList<TokenUnit>();
        var files = new ArrayList<Contents>();
        for (TokenUnit unit : units) {
            hashed.add(unit.withHash(sha256.get(unit.number())));
            if (unit.start() == 0) {
                String name = unit.path().substring(unit.path().lastIndexOf('/') + 1);
                files.add(new Contents(unit.split(), name, new ArrayList<>()));
            }
            files.get(files.size() - 1).sha256.add(sha256.get(unit.number()));
        }
        return new CorpusPlan(corpus, hashed, rules, promptVersion, inputs, sources, bytes, remarks)
                .with(CONTENTS, Settings.hash(files));
    }

    /** Whether the configuration names files for the validation split; otherwise the contents decide the split. */
    boolean splitByFile() {
        return !corpus.validationPaths().isEmpty();
    }

    /** The paths of the units' files, by number of the unit. */
    Map<Integer, String> paths() {
        var paths = new HashMap<Integer, String>();
        units.forEach(unit -> paths.put(unit.number(), unit.path()));
        return paths;
    }
}
