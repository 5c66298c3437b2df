package dev.uncurl.jobs.tokenize;

import dev.uncurl.corpus.ContentHash;
import dev.uncurl.corpus.Document;
import dev.uncurl.corpus.DocumentFilter;
import dev.uncurl.corpus.Example;
import dev.uncurl.corpus.ExampleTokens;
import dev.uncurl.corpus.Outcome;
import dev.uncurl.corpus.PackedSequence;
import dev.uncurl.corpus.Rejection;
import dev.uncurl.corpus.SequencePacker;
import dev.uncurl.corpus.Split;
import dev.uncurl.corpus.format.CorpusReader;
import dev.uncurl.corpus.io.PartHash;
import dev.uncurl.tokenizer.Gpt2Tokenizer;
import dev.uncurl.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/**
 * Reads one unit, tokenises, packs and stages it. At any time, one document, one sequence per split and a limited
 * number of staged rows are in memory.
 */
final class UnitTokenizer {
    /** The reason under which copies are counted. */
    static final String DUPLICATE = "duplicate";

    private final TokenUnit unit;
    private final UnitRules rules;
    private final long[] duplicates;
    private final Staging staging;
    private final Tokenizer tokenizer;
    private final Map<Split, SequencePacker> packers = new EnumMap<>(Split.class);
    private final DocumentFilter filter;
    private final Map<String, Long> languages = new TreeMap<>();
    private final Map<String, Long> filtered = new TreeMap<>();
    private final Map<String, Long> rejected = new TreeMap<>();
    private final Map<String, String> rejectedAt = new TreeMap<>();
    private final Map<String, TailPacking.Fragment> tails = new TreeMap<>();
    private final long[] lengths = new long[UnitReport.LENGTHS];
    private StagedFile staged;
    private int index;
    private long documents;
    private long kept;
    private long tokens;
    private long padding;
    private String damage;

    /** @param duplicates ordinals within the unit, ascending, of the documents that are copies */
    UnitTokenizer(TokenUnit unit, UnitRules rules, long[] duplicates, Staging staging) {
        this.unit = unit;
        this.rules = rules;
        this.duplicates = duplicates;
        this.staging = staging;
        this.tokenizer = Gpt2Tokenizer.of(rules.vocabulary());
        this.filter = rules.filter().documentFilter();
    }

    /** Reads, packs and stages the unit, and publishes its report. */
    UnitReport run(Configuration hadoop) throws IOException {
        Path file = staging.newFile(unit.number());
        boolean done = false;
        PartHash hash = unit.hash();
        try (StagedFile out = new StagedFile(staging.files(), file);
                CorpusReader reader = unit.open(hadoop, hash)) {
            staged = out;
            while (reader.hasNext()) {
                take(reader.next());
            }
            hash.require(unit.sha256());
            packers.forEach((split, packer) -> packer.flush().ifPresent(packed -> tail(packed, split)));
            var segments = out.end();
            out.close();
            var report = new UnitReport(
                    unit.number(),
                    file.getName(),
                    out.size(),
                    documents,
                    kept,
                    filtered,
                    rejected,
                    tokens,
                    new TreeMap<>(),
                    padding,
                    unit.textRead(reader),
                    lengths,
                    languages,
                    segments,
                    tails,
                    rejectedAt,
                    damage);
            staging.finish(report);
            done = true;
            return report;
        } finally {
            if (!done) {
                staging.files().delete(file, false);
            }
        }
    }

    private void take(Outcome outcome) {
        if (outcome instanceof Rejection rejection && rejection.scope() == Rejection.Scope.FILE) {
            damage = rejection.reason() + " at " + rejection.location();
            stage(rejection);
            return;
        }
        long ordinal = documents++;
        if (outcome instanceof Rejection rejection) {
            rejected.merge(rejection.reason(), 1L, Long::sum);
            rejectedAt.putIfAbsent(rejection.reason(), rejection.location());
            stage(rejection);
        } else if (Arrays.binarySearch(duplicates, ordinal) >= 0) {
            filtered.merge(DUPLICATE, 1L, Long::sum);
        } else if (outcome instanceof Document document) {
            keep(document);
        } else if (outcome instanceof Example example) {
            keep(example);
        }
    }

    private Split split(String text) {
        if (unit.split() != null) {
            return Split.valueOf(unit.split().toUpperCase(Locale.ROOT));
        }
        return rules.validationFraction() == 0 ? Split.TRAIN : Split.of(text, rules.validationFraction());
    }

    private void kept(String text, long offset, int length) {
        kept++;
        tokens += length;
        lengths[Math.min(31 - Integer.numberOfLeadingZeros(Math.max(length, 1)), lengths.length - 1)]++;
        if (rules.keepHashes() || unit.split() != null) {
            staged.record(StagedKey.DOCUMENTS)
                    .put(ContentHash.of(text).hex())
                    .put(unit.number())
                    .put(offset);
            staged.added(80);
        }
    }

    private void keep(Document document) {
        String text = filter.normalization().apply(document.text());
        var reason = filter.reasonToDrop(text);
        if (reason.isPresent()) {
            filtered.merge(reason.get(), 1L, Long::sum);
            return;
        }
        if (rules.filter().tagLanguages()) {
            languages.merge(filter.rule().tag(text), 1L, Long::sum);
        }
        Split split = split(text);
        int[] ids = tokenizer.encode(text);
        kept(text, document.offset(), ids.length + 1);
        packers.computeIfAbsent(split, s -> new SequencePacker(rules.sequenceLength(), tokenizer.endOfText()))
                .add(document.source(), document.offset(), ids, packed -> stage(packed, split));
    }

    private void tail(PackedSequence packed, Split split) {
        if (rules.carry() && packed.padding() > 0) {
            tails.put(split.label(), TailPacking.Fragment.of(unit.number(), packed));
        } else {
            padding += packed.padding();
            stage(packed, split);
        }
    }

    private void stage(PackedSequence packed, Split split) {
        int count = packed.sources().size();
        int[] units = new int[count];
        Arrays.fill(units, unit.number());
        long[] offsets = new long[count];
        for (int i = 0; i < count; i++) {
            offsets[i] = packed.sources().get(i).offset();
        }
        stage(
                staged,
                rules,
                split.label(),
                unit.number(),
                index++,
                new TailPacking.Packed(packed.tokens(), packed.documentStarts(), units, offsets));
    }

    /** Stages a sequence in its bucket of the shuffle. */
    static void stage(
            StagedFile staged, UnitRules rules, String split, int unit, int index, TailPacking.Packed packed) {
        long order = Shuffle.order(rules.seed(), unit, index);
        RecordBuffer record = staged.record(StagedKey.sequences(split, Shuffle.bucket(order, rules.buckets())));
        int before = record.size();
        record.put(order).put(unit).put(index);
        int length = record.size();
        record.put(0).putTokens(packed.tokens()).put(packed.starts()).put(packed.units());
        for (long offset : packed.offsets()) {
            record.put(offset);
        }
        record.putAt(length, record.size() - length - 4);
        staged.added(record.size() - before);
    }

    private void keep(Example example) {
        String split = split(example.splitText()).label();
        ExampleTokens tokens = ExampleTokens.of(example, tokenizer);
        kept(example.inputs() + example.targets(), example.offset(), tokens.prompt().length + tokens.target().length);
        RecordBuffer record = staged.record(StagedKey.examples(split, task(example)));
        int before = record.size();
        record.put(ContentHash.of(example).prefix())
                .put(unit.number())
                .put(example.offset())
                .put(example.part());
        record.put(example.group()).put(example.label());
        record.putTokens(tokens.prompt()).putTokens(tokens.target());
        record.put(tokens.choices().size());
        tokens.choices().forEach(record::putTokens);
        record.put(example.rightChoices().stream().mapToInt(Integer::intValue).toArray());
        record.put(example.answers().size());
        example.answers().forEach(record::put);
        staged.added(record.size() - before);
    }

    /**
     * A task with choices may be the whole corpus, such as superglue/boolq; a free-text task is always a part of its
     * corpus.
     */
    private String task(Example example) {
        boolean whole = !example.choices().isEmpty() && example.task().equals(unit.corpus());
        return whole ? unit.corpus() : unit.corpus() + "/" + example.task();
    }

    private void stage(Rejection rejection) {
        RecordBuffer record = staged.record(StagedKey.REJECTIONS);
        int before = record.size();
        record.put(unit.number())
                .put(rejection.location())
                .put(rejection.reason())
                .put(rejection.excerpt());
        staged.added(record.size() - before);
    }
}
