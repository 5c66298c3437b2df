package dev.uncurl.jobs.tokenize;

import dev.uncurl.corpus.Document;
import dev.uncurl.corpus.Example;
import dev.uncurl.corpus.Outcome;
import dev.uncurl.corpus.Rejection;
import dev.uncurl.corpus.format.CorpusFormat;
import dev.uncurl.corpus.format.CorpusReader;
import dev.uncurl.corpus.io.CorpusFiles;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.tokenizer.Gpt2Tokenizer;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.zip.Deflater;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.util.SerializableConfiguration;

/** Estimates the size of each corpus from samples of some of its units, without writing anything. */
final class Estimate {
    /** Number of units of a corpus that are sampled, evenly spaced. */
    private static final int UNITS = 16;

    /** Bytes of text read per unit: in evenly spaced pieces of an uncompressed file, otherwise at its beginning. */
    private static final long TEXT_BYTES = 4 << 20;

    private static final int PIECES = 8;

    /** Counts of a sample, and the bytes on disk that were read for it. */
    private record Sample(String corpus, long diskBytes, long documents, long tokens, long rowBytes)
            implements Serializable {}

    /**
     * The expected size of a corpus.
     *
     * @param bytes expected compressed size of the rows
     * @param sampled share of the bytes on disk that was read
     */
    record Expected(String corpus, long documents, long tokens, long rows, long bytes, double sampled) {}

    private Estimate() {}

    static List<Expected> of(Warehouse warehouse, TokenizeConfig config, List<CorpusPlan> plans) {
        var units = new ArrayList<TokenUnit>();
        for (CorpusPlan plan : plans) {
            int count = plan.units().size();
            int taken = Math.min(UNITS, count);
            for (int i = 0; i < taken; i++) {
                units.addAll(pieces(plan.units().get((int) ((long) i * count / taken))));
            }
        }
        var hadoop =
                new SerializableConfiguration(warehouse.spark().sparkContext().hadoopConfiguration());
        int vocabulary = config.vocabulary();
        warehouse.describe("tokenize: estimate");
        List<Sample> samples = warehouse
                .context()
                .parallelize(units, units.size())
                .map(unit -> sample(unit, vocabulary, hadoop.value()))
                .collect();
        return plans.stream().map(plan -> expected(plan, config, samples)).toList();
    }

    private static List<TokenUnit> pieces(TokenUnit unit) {
        boolean plain = unit.corpusFormat().splittable(unit.path());
        return !plain || unit.bytes() <= TEXT_BYTES
                ? List.of(unit)
                : IntStream.range(0, PIECES)
                        .mapToObj(i -> unit.piece(unit.bytes() / PIECES * i, TEXT_BYTES / PIECES))
                        .toList();
    }

    private static Expected expected(CorpusPlan plan, TokenizeConfig config, List<Sample> samples) {
        long disk = 0;
        long documents = 0;
        long tokens = 0;
        long rowBytes = 0;
        boolean examples = !CorpusFormat.of(plan.corpus().format()).givesDocuments();
        for (Sample sample : samples) {
            if (sample.corpus.equals(plan.name())) {
                disk += sample.diskBytes;
                documents += sample.documents;
                tokens += sample.tokens;
                rowBytes += sample.rowBytes;
            }
        }
        double scale = disk == 0 ? 0 : (double) plan.bytes() / disk;
        long expectedTokens = Math.round(tokens * scale);
        long expectedDocuments = Math.round(documents * scale);
        long rows =
                examples ? expectedDocuments : (expectedTokens + config.sequenceLength() - 1) / config.sequenceLength();
        return new Expected(
                plan.name(),
                expectedDocuments,
                expectedTokens,
                rows,
                Math.round(rowBytes * scale),
                Math.min(1, 1 / scale));
    }

    private static Sample sample(TokenUnit unit, int vocabulary, Configuration hadoop) throws java.io.IOException {
        var tokenizer = Gpt2Tokenizer.of(vocabulary);
        var ids = new RecordBuffer();
        long documents = 0;
        long tokens = 0;
        boolean plain = unit.corpusFormat().splittable(unit.path());
        CorpusFiles.Opened compressed = plain ? null : CorpusFiles.openCounted(hadoop, unit.path());
        try (CorpusReader reader = plain
                ? unit.open(hadoop, null)
                : unit.corpusFormat().read(unit.path(), compressed.contents(), CorpusReader.DEFAULT_CAP)) {
            while (unit.textRead(reader) < TEXT_BYTES && reader.hasNext()) {
                Outcome outcome = reader.next();
                if (outcome instanceof Rejection rejection && rejection.scope() == Rejection.Scope.FILE) {
                    break;
                }
                documents++;
                if (outcome instanceof Document document) {
                    tokens += put(ids, tokenizer.encode(document.text())) + 1;
                } else if (outcome instanceof Example example) {
                    tokens += put(ids, tokenizer.encode(example.inputs()));
                    tokens += put(ids, tokenizer.encode(example.targets())) + 1;
                    for (String choice : example.choices()) {
                        put(ids, tokenizer.encode(choice));
                    }
                }
            }
            // in an uncompressed file, bytes of text are bytes on disk
            long disk = plain ? unit.textRead(reader) : compressed.fileBytes().getAsLong();
            disk = reader.hasNext() ? Math.max(1, disk) : unit.bytes();
            return new Sample(unit.corpus(), Math.min(disk, unit.bytes()), documents, tokens, compressed(ids));
        }
    }

    private static int put(RecordBuffer to, int[] ids) {
        to.putTokens(ids);
        return ids.length;
    }

    /** Estimates the size of the ids in Parquet with zstd, within a few percent, by deflating two-byte ids. */
    private static long compressed(RecordBuffer ids) {
        var deflater = new Deflater(1);
        try {
            deflater.setInput(ids.bytes(), 0, ids.size());
            deflater.finish();
            var out = new byte[1 << 16];
            long size = 0;
            while (!deflater.finished()) {
                size += deflater.deflate(out);
            }
            return size;
        } finally {
            deflater.end();
        }
    }
}
