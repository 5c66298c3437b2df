package dev.uncurl.jobs;

import dev.uncurl.corpus.CorpusFormat;
import dev.uncurl.corpus.CorpusReader;
import dev.uncurl.corpus.Document;
import dev.uncurl.corpus.Example;
import dev.uncurl.corpus.Outcome;
import dev.uncurl.corpus.PackedSequence;
import dev.uncurl.corpus.Rejection;
import dev.uncurl.corpus.SequencePacker;
import dev.uncurl.corpus.Split;
import dev.uncurl.tokenizer.Gpt2Tokenizer;
import dev.uncurl.tokenizer.Tokenizer;
import java.io.Serializable;
import java.util.ArrayDeque;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.StructType;

/**
 * One file as rows: its packed sequences or examples, its rejections, and at the end one row with its counts. Holds one
 * document at a time. Packing is by file and split, so that it does not depend on how files are spread over tasks.
 */
final class FileTokens implements Iterator<Row> {
    static final String SEQUENCE = "sequence";
    static final String EXAMPLE = "example";
    static final String REJECTION = "rejection";
    static final String COUNTS = "counts";

    /** Rows of all four kinds; what a kind does not have is null. */
    static final StructType SCHEMA = StructType.fromDDL(
            """
            kind STRING, file INT, index BIGINT, split STRING, source STRING, tokens ARRAY<INT>,
            document_starts ARRAY<INT>, source_refs ARRAY<STRUCT<source: STRING, offset: BIGINT>>,
            task STRING, target_tokens ARRAY<INT>, choices ARRAY<ARRAY<INT>>, label INT, source_offset BIGINT,
            location STRING, reason STRING, excerpt STRING,
            documents BIGINT, kept BIGINT, token_count BIGINT, padding BIGINT""");

    /**
     * A file to read.
     *
     * @param number its place among the files of the corpus
     * @param split the split of all its rows, or null: by content
     */
    record Spec(int number, String path, String format, String corpus, String split) implements Serializable {}

    /** How to tokenise. */
    record Rules(int vocabulary, int sequenceLength, double validationFraction) implements Serializable {}

    private final Spec spec;
    private final Rules rules;
    private final Tokenizer tokenizer;
    private final CorpusReader reader;
    private final Map<Split, SequencePacker> packers = new EnumMap<>(Split.class);
    private final ArrayDeque<Row> ready = new ArrayDeque<>();
    private boolean ended;
    private long index;
    private long documents;
    private long kept;
    private long tokenCount;
    private long padding;

    FileTokens(Spec spec, Rules rules, Configuration hadoop) {
        this.spec = spec;
        this.rules = rules;
        this.tokenizer = Gpt2Tokenizer.of(rules.vocabulary);
        this.reader = CorpusFormat.of(spec.format).open(hadoop, spec.path);
    }

    @Override
    public boolean hasNext() {
        while (ready.isEmpty() && !ended) {
            if (reader.hasNext()) {
                take(reader.next());
            } else {
                end();
            }
        }
        return !ready.isEmpty();
    }

    @Override
    public Row next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        return ready.remove();
    }

    private void take(Outcome outcome) {
        documents++;
        if (outcome instanceof Document document) {
            Split split = split(document.text());
            packers.computeIfAbsent(split, s -> new SequencePacker(rules.sequenceLength, tokenizer.endOfText()))
                    .add(
                            document.source(),
                            document.offset(),
                            tokenizer.encode(document.text()),
                            packed -> add(packed, split));
            kept++;
        } else if (outcome instanceof Example example) {
            add(example);
            kept++;
        } else if (outcome instanceof Rejection rejection) {
            add(rejection);
        }
    }

    private Split split(String text) {
        return spec.split == null
                ? Split.of(text, rules.validationFraction)
                : Split.valueOf(spec.split.toUpperCase(java.util.Locale.ROOT));
    }

    private void end() {
        packers.forEach((split, packer) -> {
            packer.flush().ifPresent(packed -> add(packed, split));
            tokenCount += packer.tokensIn();
        });
        ended = true;
        reader.close();
        ready.add(RowFactory.create(
                COUNTS,
                spec.number,
                index,
                null,
                spec.path,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                documents,
                kept,
                tokenCount,
                padding));
    }

    private void add(PackedSequence packed, Split split) {
        padding += packed.padding();
        Row[] references = packed.sources().stream()
                .map(reference -> RowFactory.create(reference.source(), reference.offset()))
                .toArray(Row[]::new);
        ready.add(RowFactory.create(
                SEQUENCE,
                spec.number,
                index++,
                split.label(),
                spec.path,
                packed.tokens(),
                packed.documentStarts(),
                references,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null));
    }

    private void add(Example example) {
        int[] prompt = tokenizer.encode(example.inputs());
        int[] answer = tokenizer.encode(example.targets());
        int[] target = java.util.Arrays.copyOf(answer, answer.length + 1);
        target[answer.length] = tokenizer.endOfText();
        List<String> choices = example.choices();
        int[][] choiceTokens = choices.isEmpty()
                ? null
                : choices.stream().map(tokenizer::encode).toArray(int[][]::new);
        String task = example.task().equals(spec.corpus) ? spec.corpus : spec.corpus + "/" + example.task();
        String split = split(example.inputs() + example.targets()).label();
        tokenCount += prompt.length + target.length;
        ready.add(RowFactory.create(
                EXAMPLE,
                spec.number,
                index++,
                split,
                spec.path,
                prompt,
                null,
                null,
                task,
                target,
                choiceTokens,
                choices.isEmpty() ? null : example.label(),
                example.offset(),
                null,
                null,
                null,
                null,
                null,
                null,
                null));
    }

    private void add(Rejection rejection) {
        ready.add(RowFactory.create(
                REJECTION,
                spec.number,
                index++,
                null,
                spec.path,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                rejection.location(),
                rejection.reason(),
                rejection.excerpt(),
                null,
                null,
                null,
                null));
    }
}
