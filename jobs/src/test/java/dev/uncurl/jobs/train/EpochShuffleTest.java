package dev.uncurl.jobs.train;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.xxhash64;
import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.jobs.Cli;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The order of training data. The oracle sorts every epoch as a whole. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class EpochShuffleTest {
    private static final int SIZE = 101;
    private static final long SEED = 5;
    private static final int POSITIONS = 2 * SIZE + 40;

    private SparkSession spark;
    private Dataset<Row> rows;
    private List<String> naive;

    @BeforeAll
    void sortAll(@TempDir Path folder) {
        spark = new Cli(folder.resolve("warehouse")).open().spark();
        var schema = new StructType()
                .add("corpus", DataTypes.StringType)
                .add("sequence_id", DataTypes.LongType)
                .add("tokens", DataTypes.createArrayType(DataTypes.IntegerType));
        rows = spark.createDataFrame(
                IntStream.range(0, SIZE)
                        .mapToObj(i -> RowFactory.create("corpus" + i % 3, (long) i / 3, new Integer[] {i, i + 1}))
                        .toList(),
                schema);
        naive = new ArrayList<>();
        for (int epoch = 0; epoch < 3; epoch++) {
            var hash = xxhash64(lit(SEED), lit(epoch), col("corpus"), col("sequence_id"));
            rows.orderBy(hash, col("corpus"), col("sequence_id")).collectAsList().stream()
                    .map(row -> row.getString(0) + "/" + row.getLong(1))
                    .forEach(naive::add);
        }
    }

    private EpochShuffle shuffle(int partitions, int bucketRows) {
        return new EpochShuffle(
                rows.repartition(partitions), new TrainingSequence.Packed(), SEED, POSITIONS, bucketRows);
    }

    private static List<String> ids(EpochShuffle shuffle, long first, long last) {
        Map<Long, TrainingSequence> found = new HashMap<>();
        shuffle.between(first, last).collect().forEach(one -> assertThat(found.put(one._1(), one._2()))
                .isNull());
        return found.entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .map(one -> one.getValue().id())
                .toList();
    }

    /** Buckets of all rows, of a few, and of less than one, so that some are empty. */
    @ParameterizedTest
    @CsvSource({"101, 1, 60", "13, 5, 33", "40, 3, 150", "1, 2, 242"})
    void segmentsHaveTheOrderOfANaiveSort(int bucketRows, int partitions, int segment) {
        try (EpochShuffle shuffle = shuffle(partitions, bucketRows)) {
            assertThat(shuffle.size()).isEqualTo(SIZE);
            var all = new ArrayList<String>();
            for (int first = 0; first < POSITIONS; first += segment) {
                all.addAll(ids(shuffle, first, Math.min(first + segment, POSITIONS)));
            }
            assertThat(all).isEqualTo(naive.subList(0, POSITIONS));
        }
    }

    /** A run that starts in the middle shuffles what it needs, and more if it is started again before. */
    @Test
    void anyPositionsCanBeAskedForInAnyOrder() {
        try (EpochShuffle shuffle = shuffle(3, 6)) {
            for (int[] part : new int[][] {{210, 220}, {203, 205}, {60, 130}, {0, 3}, {190, 243}}) {
                assertThat(ids(shuffle, part[0], part[1])).isEqualTo(naive.subList(part[0], part[1]));
            }
        }
    }

    @Test
    void rowsAreShuffledOnceAnEpochAndNoneBehindTheEndOfTheRun() throws Exception {
        var written = new AtomicLong();
        var listener = new SparkListener() {
            @Override
            public void onTaskEnd(SparkListenerTaskEnd end) {
                written.addAndGet(end.taskMetrics().shuffleWriteMetrics().recordsWritten());
            }
        };
        JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
        try (var shuffle = new EpochShuffle(rows.coalesce(1), new TrainingSequence.Packed(), SEED, SIZE + 20, 1)) {
            context.sc().addSparkListener(listener);
            ids(shuffle, 0, 20);
            context.sc().listenerBus().waitUntilEmpty();
            long once = written.get();
            for (int first = 20; first < SIZE; first += 9) {
                ids(shuffle, first, Math.min(first + 9, SIZE));
            }
            context.sc().listenerBus().waitUntilEmpty();
            assertThat(written.get()).as("segments of one epoch").isEqualTo(once);
            ids(shuffle, SIZE, SIZE + 20);
            context.sc().listenerBus().waitUntilEmpty();
            // of 128 buckets of the last epoch those of 20 rows, and the numbers of rows of up to 101
            assertThat(written.get() - once).as("the last epoch").isLessThan(SIZE + 30);
        } finally {
            context.sc().removeSparkListener(listener);
        }
    }
}
