package dev.uncurl.jobs;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.row_number;
import static org.apache.spark.sql.functions.xxhash64;

import dev.uncurl.config.Settings;
import dev.uncurl.config.TokenizeConfig;
import dev.uncurl.corpus.CorpusFile;
import dev.uncurl.corpus.CorpusFiles;
import dev.uncurl.corpus.CorpusFormat;
import dev.uncurl.corpus.TaskDefinition;
import dev.uncurl.error.Refusal;
import dev.uncurl.tokenizer.Gpt2Tokenizer;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.expressions.Window;
import org.apache.spark.storage.StorageLevel;
import org.apache.spark.util.SerializableConfiguration;
import scala.collection.JavaConverters;

/**
 * Reads a corpus into corpus.sequences or corpus.examples, corpus.rejections and corpus.runs. The row of corpus.runs is
 * written last: a corpus without it is not there.
 */
final class Tokenization {
    private final Warehouse warehouse;
    private final TokenizeConfig config;
    private final Gpt2Tokenizer tokenizer;

    Tokenization(Warehouse warehouse, TokenizeConfig config) {
        this.warehouse = warehouse;
        this.config = config;
        this.tokenizer = Gpt2Tokenizer.of(config.vocabulary());
    }

    /** What a run read and made. */
    private record Counts(
            long documents, long kept, long rejected, long tokens, long padding, long sequences, long examples) {}

    /** The files of all corpora, found and checked before any work. */
    Map<String, List<FileTokens.Spec>> files() {
        var files = new TreeMap<String, List<FileTokens.Spec>>();
        config.corpora().forEach(corpus -> files.put(corpus.name(), files(corpus)));
        return files;
    }

    private List<FileTokens.Spec> files(TokenizeConfig.Corpus corpus) {
        CorpusFormat.of(corpus.format());
        boolean fixed = !corpus.validationPaths().isEmpty();
        var specs = new ArrayList<FileTokens.Spec>();
        for (CorpusFile file : CorpusFiles.expand(hadoop(), corpus.paths())) {
            specs.add(new FileTokens.Spec(
                    specs.size(), file.path(), corpus.format(), corpus.name(), fixed ? "train" : null));
        }
        if (fixed) {
            for (CorpusFile file : CorpusFiles.expand(hadoop(), corpus.validationPaths())) {
                specs.add(new FileTokens.Spec(specs.size(), file.path(), corpus.format(), corpus.name(), "validation"));
            }
        }
        return specs;
    }

    private Configuration hadoop() {
        return warehouse.spark().sparkContext().hadoopConfiguration();
    }

    /** Tokenises one corpus, unless it is there already from the same inputs. */
    void run(TokenizeConfig.Corpus corpus, List<FileTokens.Spec> files, boolean replace) {
        String name = corpus.name();
        try (var hold = warehouse.hold("corpus-" + name)) {
            long bytes = bytes(files);
            Map<String, String> inputs = inputs(corpus, files, bytes);
            String runId = Settings.hash(inputs);
            CorpusRun made = CorpusRun.newest(warehouse, name);
            if (made != null && made.runId().equals(runId)) {
                System.out.println("Corpus " + name + " is there already, made from the same inputs: reused.");
                return;
            }
            if (made != null && !replace) {
                throw Refusal.conflict(
                        "Corpus " + name + " exists and was made from other inputs:"
                                + Inputs.differences(made.inputs(), inputs),
                        "Choose another name or --warehouse, or --replace it.");
            }
            warehouse.describe("tokenize " + name);
            Dataset<Row> rows = read(files).persist(StorageLevel.DISK_ONLY());
            try {
                Counts counts = count(rows);
                refuseUnusable(corpus, rows, counts);
                write(corpus, rows, counts);
                writeRun(name, runId, inputs, counts, bytes);
                System.out.printf(
                        "Corpus %s: %,d documents = %,d kept + %,d rejected; %,d tokens in %,d %s%n",
                        name,
                        counts.documents,
                        counts.kept,
                        counts.rejected,
                        counts.tokens,
                        counts.sequences + counts.examples,
                        counts.examples > 0 ? "examples" : "sequences");
            } finally {
                rows.unpersist();
            }
        }
    }

    private long bytes(List<FileTokens.Spec> files) {
        return CorpusFiles.expand(
                        hadoop(), files.stream().map(FileTokens.Spec::path).toList())
                .stream()
                .mapToLong(CorpusFile::bytes)
                .sum();
    }

    private Map<String, String> inputs(TokenizeConfig.Corpus corpus, List<FileTokens.Spec> files, long bytes) {
        var inputs = new TreeMap<String, String>();
        inputs.put("format", corpus.format());
        inputs.put("files", Integer.toString(files.size()));
        inputs.put("bytes", Long.toString(bytes));
        inputs.put("file-list", Settings.hash(files));
        inputs.put("tokenizer", tokenizer.fingerprint());
        inputs.put("sequence-length", Integer.toString(config.sequenceLength()));
        inputs.put("validation-fraction", Double.toString(config.validationFraction()));
        inputs.put("seed", Long.toString(config.seed()));
        inputs.put("prompt-version", promptVersion(corpus));
        return inputs;
    }

    private static String promptVersion(TokenizeConfig.Corpus corpus) {
        return corpus.format().startsWith("superglue/")
                ? TaskDefinition.load(corpus.format()).version()
                : "none";
    }

    private Dataset<Row> read(List<FileTokens.Spec> files) {
        var rules = new FileTokens.Rules(config.vocabulary(), config.sequenceLength(), config.validationFraction());
        var hadoop = new SerializableConfiguration(hadoop());
        var rows = warehouse.context().parallelize(files, files.size()).flatMap(file ->
                (Iterator<Row>) new FileTokens(file, rules, hadoop.value()));
        return warehouse.spark().createDataFrame(rows, FileTokens.SCHEMA);
    }

    /** Counts twice, by what was read and by what is in the rows, and holds the two against each other. */
    private Counts count(Dataset<Row> rows) {
        Row read = rows.where(col("kind").equalTo(FileTokens.COUNTS))
                .selectExpr("sum(documents)", "sum(kept)", "sum(token_count)", "sum(padding)")
                .first();
        Row made = rows.selectExpr(
                        "count_if(kind = 'rejection')",
                        "count_if(kind = 'sequence')",
                        "count_if(kind = 'example')",
                        "coalesce(sum(CASE WHEN kind = 'sequence' THEN size(filter(tokens, t -> t >= 0))"
                                + " WHEN kind = 'example' THEN size(tokens) + size(target_tokens) END), 0)")
                .first();
        var counts = new Counts(
                read.getLong(0),
                read.getLong(1),
                made.getLong(0),
                read.getLong(2),
                read.getLong(3),
                made.getLong(1),
                made.getLong(2));
        if (counts.documents != counts.kept + counts.rejected || counts.tokens != made.getLong(3)) {
            throw new IllegalStateException("Something was lost: " + counts + ", tokens in rows " + made.getLong(3));
        }
        return counts;
    }

    private void refuseUnusable(TokenizeConfig.Corpus corpus, Dataset<Row> rows, Counts counts) {
        double share = counts.documents == 0 ? 0 : (double) counts.rejected / counts.documents;
        if (share > config.maxRejected()) {
            Row first = rows.where(col("kind").equalTo(FileTokens.REJECTION))
                    .orderBy("file", "index")
                    .first();
            throw Refusal.rejections(
                    String.format(
                            "Corpus %s: %,d of %,d documents are rejected, more than max-rejected = %s. The first: %s, %s: %s",
                            corpus.name(),
                            counts.rejected,
                            counts.documents,
                            config.maxRejected(),
                            first.getAs("source"),
                            first.getAs("location"),
                            first.getAs("reason")),
                    "Nothing was written. Mend the files, or raise max-rejected.");
        }
        if (counts.kept == 0) {
            throw Refusal.input(
                    "Corpus " + corpus.name() + " holds no document: " + String.join(", ", corpus.paths()),
                    "Nothing was written. Name files with text in format " + corpus.format() + ".");
        }
    }

    private void write(TokenizeConfig.Corpus corpus, Dataset<Row> rows, Counts counts) {
        String name = corpus.name();
        if (counts.sequences > 0) {
            Dataset<Row> train = numbered(rows, name, "train");
            warehouse.replace(Tables.SEQUENCES, train.union(numbered(rows, name, "validation")), "corpus", name);
        }
        if (counts.examples > 0) {
            var order = Window.partitionBy("task", "split").orderBy("file", "index");
            Dataset<Row> examples = rows.where(col("kind").equalTo(FileTokens.EXAMPLE))
                    .withColumn("example_id", row_number().over(order).minus(1).cast("bigint"))
                    .withColumnRenamed("tokens", "prompt_tokens")
                    .withColumn("prompt_version", lit(promptVersion(corpus)));
            warehouse.replaceWhere(
                    Tables.EXAMPLES,
                    examples,
                    col("task").equalTo(name).or(col("task").startsWith(name + "/")));
        }
        Dataset<Row> rejections =
                rows.where(col("kind").equalTo(FileTokens.REJECTION)).withColumn("corpus", lit(name));
        warehouse.replace(Tables.REJECTIONS, rejections, "corpus", name);
    }

    /** Sequences of a split in shuffled order, numbered from 0. */
    private Dataset<Row> numbered(Dataset<Row> rows, String corpus, String split) {
        var sorted = rows.where(col("kind")
                        .equalTo(FileTokens.SEQUENCE)
                        .and(col("split").equalTo(split)))
                .orderBy(xxhash64(lit(config.seed()), col("file"), col("index")), col("file"), col("index"))
                .select("tokens", "document_starts", "source_refs")
                .toJavaRDD()
                .zipWithIndex()
                .map(pair -> RowFactory.create(
                        corpus,
                        split,
                        pair._2(),
                        pair._1().get(0),
                        pair._1().get(1),
                        pair._1().get(2)));
        return warehouse
                .spark()
                .createDataFrame(sorted, warehouse.table(Tables.SEQUENCES).schema());
    }

    private void writeRun(String name, String runId, Map<String, String> inputs, Counts counts, long bytes) {
        Row row = RowFactory.create(
                runId,
                name,
                Timestamp.from(Instant.now()),
                counts.documents,
                counts.kept,
                0L,
                counts.rejected,
                counts.tokens,
                counts.padding,
                counts.sequences + counts.examples,
                bytes,
                tokenizer.fingerprint(),
                config.vocabulary(),
                config.sequenceLength(),
                JavaConverters.mapAsScalaMap(inputs));
        var schema = warehouse.table(Tables.RUNS).schema();
        warehouse.append(Tables.RUNS, warehouse.spark().createDataFrame(List.of(row), schema));
    }
}
