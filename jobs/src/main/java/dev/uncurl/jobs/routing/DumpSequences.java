package dev.uncurl.jobs.routing;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.concat;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.count_if;
import static org.apache.spark.sql.functions.filter;
import static org.apache.spark.sql.functions.greatest;
import static org.apache.spark.sql.functions.least;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.max;
import static org.apache.spark.sql.functions.shiftrightunsigned;
import static org.apache.spark.sql.functions.size;
import static org.apache.spark.sql.functions.slice;
import static org.apache.spark.sql.functions.sum;
import static org.apache.spark.sql.functions.xxhash64;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.Examples;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * The token sequences of a dump: prompt and right answer of each example of a task (or of all tasks of a corpus); if
 * there are no examples of that name, the packed sequences of the corpus, without padding. A sequence that is longer
 * than the model's context loses its first tokens.
 *
 * @param rows columns sequence_id and tokens
 * @param sequences number of rows
 * @param tokens number of tokens in all rows
 * @param highestId the largest sequence_id
 * @param cut number of sequences that are longer than the context
 */
record DumpSequences(Dataset<Row> rows, long sequences, long tokens, long highestId, long cut) {
    /** Leading bits of a hash that are its bucket; only the bucket in which the sample ends is read row by row. */
    private static final int BUCKET_BITS = 16;

    /**
     * @param context the model's sequence length
     * @param corpusContext sequence length of the tokenise run; a sample counts at most this many tokens per sequence, so
     *     that it does not depend on the model
     * @param sample tokens of the sample, 0 for all: whole sequences are taken in the order of the hash of task, split and
     *     id until they have this many
     * @throws UserError (input) if there are no sequences, or if the name is that of a task and of a corpus of sequences
     */
    static DumpSequences of(
            Warehouse warehouse, String task, String split, int context, int corpusContext, long sample) {
        Dataset<Row> rows = examples(warehouse, task, split);
        Dataset<Row> packed = warehouse
                .rows(UncurlTable.SEQUENCES, "corpus", task, "split", split)
                .select(
                        col("corpus").as("part"),
                        col("sequence_id").as("id"),
                        col("sequence_id"),
                        filter(col("tokens"), token -> token.geq(0)).as("tokens"));
        if (rows.isEmpty()) {
            rows = packed;
        } else if (!packed.isEmpty()) {
            throw UserError.input(
                    task + " (" + split + ") is the name of a corpus of sequences and of tasks with examples",
                    "Tokenise one of them under another name.");
        }
        rows = rows.where(size(col("tokens")).gt(0));
        if (sample > 0) {
            rows = sample(rows, split, corpusContext, sample);
        }
        Column first = greatest(size(col("tokens")).minus(context), lit(0)).plus(1);
        rows = rows.select(
                col("sequence_id"),
                slice(col("tokens"), first, lit(context)).as("tokens"),
                first.gt(1).as("cut"));
        Row total = rows.agg(count("*"), sum(size(col("tokens"))), max("sequence_id"), count_if(col("cut")))
                .first();
        if (total.getLong(0) == 0) {
            throw UserError.input(
                    "There is nothing to dump: " + task + " has no examples or sequences in split " + split,
                    "Run tokenize for it first, with the same --warehouse, or name another --split.");
        }
        return new DumpSequences(
                rows.drop("cut"), total.getLong(0), total.getLong(1), total.getLong(2), total.getLong(3));
    }

    private static Dataset<Row> examples(Warehouse warehouse, String task, String split) {
        return Examples.of(warehouse, task, split)
                .select(
                        col("task").as("part"),
                        col("example_id").as("id"),
                        Examples.id(Examples.tasks(warehouse, task, split)).as("sequence_id"),
                        concat(col("prompt_tokens"), col("target_tokens")).as("tokens"));
    }

    /** The driver collects one sum per bucket of hashes and the rows of one bucket, so a large corpus does not fill it. */
    private static Dataset<Row> sample(Dataset<Row> rows, String split, int context, long wanted) {
        Dataset<Row> hashed = rows.withColumn("hash", xxhash64(col("part"), lit(split), col("id")))
                .withColumn("bucket", shiftrightunsigned(col("hash"), Long.SIZE - BUCKET_BITS))
                .withColumn("length", least(size(col("tokens")), lit(context)));
        long found = 0;
        long last = -1;
        for (Row bucket :
                hashed.groupBy("bucket").agg(sum("length")).orderBy("bucket").collectAsList()) {
            last = bucket.getLong(0);
            if (found + bucket.getLong(1) >= wanted) {
                break;
            }
            found += bucket.getLong(1);
        }
        Column taken = col("bucket").lt(last);
        for (Row row : hashed.where(col("bucket").equalTo(last))
                .orderBy("hash", "sequence_id")
                .select("hash", "sequence_id", "length")
                .collectAsList()) {
            Column same = col("hash").equalTo(row.getLong(0));
            Column upTo = col("hash")
                    .lt(row.getLong(0))
                    .or(same.and(col("sequence_id").leq(row.getLong(1))));
            taken = col("bucket").lt(last).or(col("bucket").equalTo(last).and(upTo));
            found += row.getInt(2);
            if (found >= wanted) {
                break;
            }
        }
        return hashed.where(taken).drop("hash", "bucket", "length");
    }
}
