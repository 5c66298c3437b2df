package dev.uncurl.jobs.tokenize;

import dev.uncurl.checkpoint.Lineage;
import dev.uncurl.config.Settings;
import dev.uncurl.corpus.format.CorpusFormat;
import dev.uncurl.corpus.io.CorpusFile;
import dev.uncurl.corpus.io.CorpusListing;
import dev.uncurl.error.UserError;
import dev.uncurl.tokenizer.Gpt2Tokenizer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;

/**
 * What a run will do for one corpus: its units, and all that determines its rows.
 *
 * <p>Inputs are known by their contents: the SHA-256 of their bytes, in the order in which they are read, with the names
 * of the files, which say how they are compressed and name some tasks. Modification times and folders do not count: the
 * same files in another place are the same inputs. The corpus then still has, in source_refs, the paths from which it was
 * read.
 *
 * @param inputs names and values that determine the rows
 * @param sources the files, in order
 * @param bytes of the files as they lie on disk
 * @param remarks lines for the user on what was found, and left out
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

    /** Input bytes behind one bucket of the shuffle, which one task holds in memory, and the most buckets. */
    private static final long BUCKET_BYTES = 8L << 20;

    private static final int MOST_BUCKETS = 1024;

    /** Units of a corpus that the driver keeps account of. */
    private static final long MOST_UNITS = 1_000_000;

    String name() {
        return corpus.name();
    }

    /** The same run has the same id. There is one only once the contents are known. */
    String runId() {
        if (!inputs.containsKey(CONTENTS)) {
            throw new IllegalStateException("The inputs of " + name() + " have not been hashed");
        }
        return Settings.hash(inputs);
    }

    /** Finds and checks the files, and cuts them into units. */
    static CorpusPlan of(TokenizeConfig config, TokenizeConfig.Corpus corpus, Configuration hadoop) {
        CorpusFormat format = CorpusFormat.of(corpus.format());
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
                format.promptVersion(),
                inputs(config, corpus, format, sources, fixed, bytes),
                sources.stream().map(CorpusFile::path).toList(),
                bytes,
                listing.remarks());
    }

    private static void cut(
            TokenizeConfig config,
            TokenizeConfig.Corpus corpus,
            CorpusFormat format,
            CorpusFile file,
            String split,
            List<TokenUnit> units) {
        String name = corpus.name();
        long block = config.blockBytes();
        if (file.bytes() <= block || !format.splittable(file.path())) {
            units.add(new TokenUnit(
                    name, units.size(), file.path(), corpus.format(), split, 0, -1, file.bytes(), true, null));
            return;
        }
        long blocks = (file.bytes() + block - 1) / block;
        if (units.size() + blocks > MOST_UNITS) {
            throw UserError.usage(
                    "block-bytes = " + block + " cuts corpus " + name + " into " + (units.size() + blocks)
                            + " units and more, by " + file.path() + ", over the limit of " + MOST_UNITS,
                    "Set block-bytes to more, such as 67108864.");
        }
        for (long start = 0; start < file.bytes(); start += block) {
            long length = Math.min(block, file.bytes() - start);
            boolean last = start + length == file.bytes();
            units.add(new TokenUnit(
                    name, units.size(), file.path(), corpus.format(), split, start, length, length, last, null));
        }
    }

    private static Map<String, String> inputs(
            TokenizeConfig config,
            TokenizeConfig.Corpus corpus,
            CorpusFormat format,
            List<CorpusFile> sources,
            boolean fixed,
            long bytes) {
        var inputs = new TreeMap<String, String>();
        inputs.put("format", corpus.format());
        inputs.put("files", Integer.toString(sources.size()));
        inputs.put("bytes", Long.toString(bytes));
        inputs.put("splits", fixed ? "by file" : "by content, validation-fraction = " + config.validationFraction());
        inputs.put(Lineage.TOKENIZER, Gpt2Tokenizer.of(config.vocabulary()).fingerprint());
        inputs.put("sequence-length", Integer.toString(config.sequenceLength()));
        inputs.put("tail", config.tail().toString());
        inputs.put("block-bytes", Long.toString(config.blockBytes()));
        inputs.put("seed", Long.toString(config.seed()));
        inputs.put("prompt-version", format.promptVersion());
        inputs.put("filter", config.filter().documentFilter().description());
        var mixture = config.mixtures().get(corpus.name());
        inputs.put("mixture", mixture == null ? "none" : Settings.json(mixture));
        inputs.put("duplicates", Settings.json(config.duplicates()));
        return inputs;
    }

    /** The plan with one more input. */
    CorpusPlan with(String input, String value) {
        var more = new TreeMap<>(inputs);
        more.put(input, value);
        return new CorpusPlan(corpus, units, rules, promptVersion, more, sources, bytes, remarks);
    }

    /** A file as far as it determines rows. */
    private record Contents(String split, String name, List<String> sha256) {}

    /**
     * The plan with the contents of its files among its inputs.
     *
     * @param sha256 of the bytes of each unit
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

    /** Whether files were named for the validation split, so that contents do not decide on the splits. */
    boolean splitByFile() {
        return !corpus.validationPaths().isEmpty();
    }

    /** Paths of the units' files, by unit. */
    Map<Integer, String> paths() {
        var paths = new HashMap<Integer, String>();
        units.forEach(unit -> paths.put(unit.number(), unit.path()));
        return paths;
    }
}
