package dev.uncurl.jobs.evaluate;

import dev.uncurl.jobs.warehouse.row.RecordMapper;
import java.io.Serializable;
import java.util.Comparator;
import java.util.Iterator;
import org.apache.spark.Partitioner;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.types.StructType;
import scala.Tuple2;

/**
 * The examples in Spark partitions of whole blocks. They are shuffled once: the jobs of all models read what the first
 * one's shuffle wrote.
 */
final class BlockedExamples {
    /** Spark tasks per core: blocks differ in length, so that the last tasks should be short. */
    private static final int TASKS_PER_CORE = 4;

    private BlockedExamples() {}

    /** The examples by id; block after block within a partition, each in the order of ids. */
    static RDD<Tuple2<Long, ScoringItem>> of(ScoringInputs inputs, int cores) {
        return in(Math.max(1, Math.min(inputs.blocks().size(), TASKS_PER_CORE * cores)), inputs);
    }

    /** The same in a number of partitions, some of which may have no block. */
    static RDD<Tuple2<Long, ScoringItem>> in(int partitions, ScoringInputs inputs) {
        StructType schema = inputs.rows().schema();
        String label = inputs.label();
        var blocks = inputs.blocks();
        return inputs.rows()
                .queryExecution()
                .toRdd()
                .toJavaRDD()
                .mapPartitionsToPair(rows -> {
                    var mapper = RecordMapper.reader(ScoringItem.Columns.class, schema, label);
                    return new Iterator<Tuple2<Long, ScoringItem>>() {
                        @Override
                        public boolean hasNext() {
                            return rows.hasNext();
                        }

                        @Override
                        public Tuple2<Long, ScoringItem> next() {
                            ScoringItem item = mapper.fromInternal(rows.next()).item();
                            return new Tuple2<>(item.id(), item);
                        }
                    };
                })
                .repartitionAndSortWithinPartitions(new ByBlock(blocks, partitions), new BlockOrder(blocks))
                .rdd();
    }

    /** Block after block, in turn over the partitions. */
    private static final class ByBlock extends Partitioner {
        private static final long serialVersionUID = 1L;

        private final ScoringBlocks blocks;
        private final int partitions;

        ByBlock(ScoringBlocks blocks, int partitions) {
            this.blocks = blocks;
            this.partitions = partitions;
        }

        @Override
        public int numPartitions() {
            return partitions;
        }

        @Override
        public int getPartition(Object exampleId) {
            return blocks.placeOf((Long) exampleId) % partitions;
        }
    }

    private record BlockOrder(ScoringBlocks blocks) implements Comparator<Long>, Serializable {
        @Override
        public int compare(Long one, Long other) {
            int order = Long.compare(blocks.numberOf(one), blocks.numberOf(other));
            return order != 0 ? order : Long.compare(one, other);
        }
    }
}
