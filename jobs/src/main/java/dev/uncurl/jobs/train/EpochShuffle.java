package dev.uncurl.jobs.train;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.shiftrightunsigned;
import static org.apache.spark.sql.functions.xxhash64;

import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.Partitioner;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.rdd.PartitionPruningRDD;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import scala.Tuple2;
import scala.runtime.AbstractFunction1;

/**
 * Rows in epoch after epoch, each in the order of a hash of the seed, the epoch and the row's key, then of the key.
 *
 * <p>Many rows are shuffled once an epoch, by Spark, into buckets of successive hashes. Spark keeps its shuffle files for later
 * jobs, so the rows of a segment cost a sort of the buckets that they are in. The driver has the number of rows of each bucket,
 * {@link #MOST_BUCKETS} at most. Few rows stay in memory, and one task sorts them for each segment.
 */
final class EpochShuffle implements AutoCloseable {
    /** Rows that are quickly sorted. */
    static final int BUCKET_ROWS = 8192;

    private static final int MOST_BITS = 12;
    /** Buckets of an epoch at most. */
    static final int MOST_BUCKETS = 1 << MOST_BITS;

    private static final String HASH = "hash";

    private final Dataset<Row> rows;
    private final TrainingSequence.Reader reader;
    private final long seed;
    private final long size;
    private final long end;
    private final int bits;
    private final Map<Integer, Buckets> epochs = new TreeMap<>();

    /**
     * @param reader makes sequences of the rows, outside the driver
     * @param end the run needs no position from this one on; rows behind it are not shuffled
     * @param bucketRows average number of rows of a bucket at most, unless {@link #MOST_BUCKETS} are too few for that
     */
    EpochShuffle(Dataset<Row> rows, TrainingSequence.Reader reader, long seed, long end, int bucketRows) {
        this.reader = reader;
        this.seed = seed;
        this.end = end;
        size = rows.count();
        bits = bits(size, bucketRows);
        this.rows = bits == 0 ? rows.cache() : rows;
    }

    /** Binary digits of the number of a bucket. */
    private static int bits(long size, int bucketRows) {
        long buckets = (size + bucketRows - 1) / bucketRows;
        return buckets <= 1 ? 0 : Math.min(MOST_BITS, Long.SIZE - Long.numberOfLeadingZeros(buckets - 1));
    }

    /** Number of rows. */
    long size() {
        return size;
    }

    /** The sequences at the positions from {@code first} to {@code last - 1} of the series of epochs, in any order. */
    JavaPairRDD<Long, TrainingSequence> between(long first, long last) {
        epochs.keySet().removeIf(epoch -> epoch < first / size);
        JavaPairRDD<Long, TrainingSequence> all = null;
        for (long epoch = first / size; epoch <= (last - 1) / size; epoch++) {
            long begin = epoch * size;
            var part = new Part(begin, Math.max(first - begin, 0), Math.min(last - begin, size));
            int number = Math.toIntExact(epoch);
            JavaPairRDD<Long, TrainingSequence> one = bits == 0 ? sorted(number, part) : shuffled(number, part);
            all = all == null ? one : all.union(one);
        }
        return all;
    }

    private Dataset<Row> hashed(int epoch) {
        return rows.withColumn(HASH, xxhash64(lit(seed), lit(epoch), name(), number()));
    }

    private Column name() {
        return col(reader.name());
    }

    private Column number() {
        return col(reader.number());
    }

    private JavaPairRDD<Long, TrainingSequence> sorted(int epoch, Part part) {
        TrainingSequence.Reader read = reader;
        JavaRDD<TrainingSequence> ordered = hashed(epoch)
                .coalesce(1)
                .sortWithinPartitions(col(HASH), name(), number())
                .javaRDD()
                .map(read::read);
        return part.of(ordered, new long[1]);
    }

    private JavaPairRDD<Long, TrainingSequence> shuffled(int epoch, Part part) {
        Buckets buckets = epochs.get(epoch);
        if (buckets == null || !buckets.have(part.first(), part.end())) {
            buckets = shuffle(epoch, part);
            epochs.put(epoch, buckets);
        }
        return buckets.read(part);
    }

    /** Shuffles the rows from the beginning of a part to the end of the run or of the epoch. */
    private Buckets shuffle(int epoch, Part part) {
        Dataset<Row> hashed = hashed(epoch);
        Column bucket = shiftrightunsigned(col(HASH).bitwiseXOR(lit(Long.MIN_VALUE)), Long.SIZE - bits);
        long[] starts = new long[(1 << bits) + 1];
        for (Row counted : hashed.groupBy(bucket.as("bucket")).count().collectAsList()) {
            starts[(int) counted.getLong(0) + 1] = counted.getLong(1);
        }
        Arrays.parallelPrefix(starts, Long::sum);
        int first = bucket(starts, part.first());
        int last = bucket(starts, Math.max(part.end(), Math.min(end - part.begin(), size)) - 1);
        TrainingSequence.Reader read = reader;
        JavaPairRDD<Place, TrainingSequence> sorted = hashed.where(bucket.between(first, last))
                .javaRDD()
                .mapToPair(row -> new Tuple2<>(Place.of(row, read), read.read(row)))
                .repartitionAndSortWithinPartitions(new ByBucket(bits));
        return new Buckets(starts, first, last, sorted);
    }

    /** The bucket of a position of the epoch. */
    private static int bucket(long[] starts, long position) {
        int bucket = Arrays.binarySearch(starts, position);
        if (bucket < 0) {
            return -bucket - 2;
        }
        while (starts[bucket + 1] == position) {
            bucket++; // after empty ones
        }
        return bucket;
    }

    @Override
    public void close() {
        rows.unpersist();
        epochs.clear(); // Spark deletes the files of a shuffle that the driver's garbage collection has found unused
    }

    /**
     * Positions in an epoch.
     *
     * @param begin position of the epoch in the series
     * @param end exclusive
     */
    private record Part(long begin, long first, long end) implements Serializable {
        /** Numbers the sequences of partitions, and leaves out those at other positions. @param starts first position of each */
        JavaPairRDD<Long, TrainingSequence> of(JavaRDD<TrainingSequence> ordered, long[] starts) {
            return ordered.mapPartitionsWithIndex((partition, sequences) -> of(sequences, starts[partition]), true)
                    .mapToPair(numbered -> numbered);
        }

        private Iterator<Tuple2<Long, TrainingSequence>> of(Iterator<TrainingSequence> sequences, long start) {
            long position = start;
            for (; position < first && sequences.hasNext(); position++) {
                sequences.next();
            }
            long from = position;
            return new Iterator<>() {
                private long next = from;

                @Override
                public boolean hasNext() {
                    return next < end && sequences.hasNext();
                }

                @Override
                public Tuple2<Long, TrainingSequence> next() {
                    return new Tuple2<>(begin + next++, sequences.next());
                }
            };
        }
    }

    /**
     * The shuffled rows of an epoch.
     *
     * @param starts [buckets + 1] position of the first row of each bucket
     * @param first the first bucket that was shuffled
     * @param last the last one
     */
    private record Buckets(long[] starts, int first, int last, JavaPairRDD<Place, TrainingSequence> sorted) {
        boolean have(long from, long to) {
            return bucket(starts, from) >= first && bucket(starts, to - 1) <= last;
        }

        JavaPairRDD<Long, TrainingSequence> read(Part part) {
            int from = bucket(starts, part.first());
            int to = bucket(starts, part.end() - 1);
            JavaRDD<TrainingSequence> wanted = JavaPairRDD.fromRDD(
                            PartitionPruningRDD.create(sorted.rdd(), new Wanted(from, to)),
                            sorted.kClassTag(),
                            sorted.vClassTag())
                    .values();
            return part.of(wanted, Arrays.copyOfRange(starts, from, to + 1));
        }
    }

    /** The partitions that Spark reads. */
    private static final class Wanted extends AbstractFunction1<Object, Object> implements Serializable {
        private static final long serialVersionUID = 1L;

        private final int from;
        private final int to;

        Wanted(int from, int to) {
            this.from = from;
            this.to = to;
        }

        @Override
        public Object apply(Object bucket) {
            return (int) bucket >= from && (int) bucket <= to;
        }
    }

    /** What decides the order of rows; as SQL sorts them. */
    private record Place(long hash, String name, long number) implements Comparable<Place>, Serializable {
        static Place of(Row row, TrainingSequence.Reader reader) {
            return new Place(
                    row.getAs(HASH),
                    row.getAs(reader.name()),
                    row.<Number>getAs(reader.number()).longValue());
        }

        @Override
        public int compareTo(Place other) {
            if (hash != other.hash) {
                return Long.compare(hash, other.hash);
            }
            int names = Arrays.compareUnsigned(bytes(name), bytes(other.name));
            return names != 0 ? names : Long.compare(number, other.number);
        }

        private static byte[] bytes(String text) {
            return text.getBytes(StandardCharsets.UTF_8);
        }
    }

    /** By the first bits of the hash, so that buckets are in the order of hashes, which are signed. */
    private static final class ByBucket extends Partitioner {
        private static final long serialVersionUID = 1L;

        private final int bits;

        ByBucket(int bits) {
            this.bits = bits;
        }

        @Override
        public int numPartitions() {
            return 1 << bits;
        }

        @Override
        public int getPartition(Object place) {
            return (int) ((((Place) place).hash ^ Long.MIN_VALUE) >>> (Long.SIZE - bits));
        }
    }
}
