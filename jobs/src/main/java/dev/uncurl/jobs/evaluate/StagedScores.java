package dev.uncurl.jobs.evaluate;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.DataFileWriter;
import dev.uncurl.jobs.warehouse.RowFile;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.ScoredRow;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.Table;
import org.apache.iceberg.spark.source.SerializableTableWithSize;
import org.apache.spark.util.SerializableConfiguration;

/**
 * The finished blocks of an evaluation until its commit, one file each, in a folder that is named after the hash of the
 * key. A block that is scored by two attempts has the same rows in both; either file may remain.
 *
 * @param folder of this key, within one of the model, task and split
 * @param table evaluation.examples
 */
record StagedScores(String folder, ScoringKey key, Table table, SerializableConfiguration hadoop)
        implements Serializable {
    static StagedScores of(Warehouse warehouse, ScoringKey key) {
        Path folder = new Path(warehouse.scoringFolder(key.modelId(), key.task(), key.split()), key.id());
        return new StagedScores(
                folder.toString(),
                key,
                SerializableTableWithSize.copyOf(warehouse.iceberg(UncurlTable.SCORED)),
                new SerializableConfiguration(warehouse.spark().sparkContext().hadoopConfiguration()));
    }

    /**
     * Makes the folder, and removes damaged blocks and blocks of other keys; the caller has the lease of the evaluation.
     *
     * @return the number of rows of finished blocks
     */
    long begin(ScoringBlocks blocks) {
        var path = new Path(folder);
        try {
            FileSystem files = path.getFileSystem(hadoop.value());
            if (files.exists(path.getParent())) {
                for (FileStatus other : files.listStatus(path.getParent())) {
                    if (!other.getPath().getName().equals(path.getName())) {
                        files.delete(other.getPath(), true);
                    }
                }
            }
            if (!files.exists(path)) {
                files.mkdirs(path);
                return 0;
            }
            long finished = 0;
            for (ScoringBlocks.Block block : blocks.blocks()) {
                RowFile<ScoredRow> file = file(block.number());
                if (block.fitting() == 0 || !file.exists()) {
                    continue;
                }
                if (file.rows() == block.fitting()) {
                    finished += block.fitting();
                } else {
                    file.delete();
                }
            }
            return finished;
        } catch (IOException e) {
            throw new UncheckedIOException("staging in " + folder, e);
        }
    }

    RowFile<ScoredRow> file(long block) {
        return new RowFile<>(
                ScoredRow.class,
                table,
                hadoop.value(),
                new Path(folder, String.format(Locale.ROOT, "%012d.parquet", block)));
    }

    /**
     * The rows of a block, in the order of ids.
     *
     * @throws UserError (input) for a damaged file, which is deleted
     */
    List<ScoredRow> read(long block) {
        try {
            return file(block).read();
        } catch (UncheckedIOException e) {
            try {
                file(block).delete();
            } catch (IOException deletion) {
                e.addSuppressed(deletion);
            }
            throw UserError.input(
                    "Block " + block + " of " + folder + ", with scores of " + key + ", is damaged",
                    "Run again: the other finished blocks are kept.",
                    e);
        }
    }

    /**
     * Writes blocks into one data file of the table, in their order.
     *
     * @param data that the rows are of
     */
    DataFile merge(long[] blocks, String data) throws IOException {
        String name = key.id().substring(0, 12) + "-" + UUID.randomUUID();
        try (var out = new DataFileWriter<>(ScoredRow.class, table, name, key.modelId(), key.task(), key.split())) {
            for (long block : blocks) {
                read(block).forEach(row -> out.add(row.withData(data)));
            }
            return out.end();
        }
    }

    /** Removes the blocks, with those of other keys. */
    void discard() {
        Path path = new Path(folder).getParent();
        try {
            path.getFileSystem(hadoop.value()).delete(path, true);
        } catch (IOException e) {
            throw new UncheckedIOException("removing " + path, e);
        }
    }
}
