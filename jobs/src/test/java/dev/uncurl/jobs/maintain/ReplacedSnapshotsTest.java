package dev.uncurl.jobs.maintain;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Instant;
import java.util.HashSet;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.iceberg.DataFiles;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.exceptions.CommitFailedException;
import org.apache.iceberg.hadoop.HadoopTables;
import org.apache.iceberg.types.Types;
import org.apache.iceberg.util.SnapshotUtil;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReplacedSnapshotsTest {
    @TempDir
    private Path folder;

    private Table table(String name, int commits) throws InterruptedException {
        var schema = new Schema(Types.NestedField.required(1, "n", Types.IntegerType.get()));
        Table table = new HadoopTables(new Configuration())
                .create(
                        schema,
                        PartitionSpec.unpartitioned(),
                        folder.resolve(name).toString());
        for (int i = 0; i < commits; i++) {
            append(table, i);
        }
        return table;
    }

    private static void append(Table table, int number) throws InterruptedException, CommitFailedException {
        Thread.sleep(3); // so that each has a time of its own
        table.newAppend()
                .appendFile(DataFiles.builder(PartitionSpec.unpartitioned())
                        .withPath(table.location() + "/data/" + number + ".parquet")
                        .withFileSizeInBytes(1)
                        .withRecordCount(1)
                        .build())
                .commit();
    }

    /** The snapshots that were current at some moment from {@code from} on, found by asking for each moment. */
    private static Set<Long> current(Table table, long from, long to) {
        var current = new HashSet<Long>();
        for (long moment = from; moment <= to; moment++) {
            try {
                current.add(SnapshotUtil.snapshotIdAsOfTime(table, moment));
            } catch (IllegalArgumentException e) { // the table was not there yet
                continue;
            }
        }
        return current;
    }

    @Tag("slow")
    @Test
    void whateverTheTableWasSinceThenCanBeReadAndNothingElseStays() throws InterruptedException {
        Table table = table("plain", 12);
        long first = table.history().get(0).timestampMillis();
        long last = table.currentSnapshot().timestampMillis();
        for (long cutoff = first - 2; cutoff <= last + 3; cutoff++) {
            var stay = new HashSet<Long>();
            table.snapshots().forEach(snapshot -> stay.add(snapshot.snapshotId()));
            stay.removeAll(ReplacedSnapshots.before(table, Instant.ofEpochMilli(cutoff)));
            // one that was replaced within the same millisecond as the cutoff may stay
            assertThat(stay).as("cutoff " + cutoff).isEqualTo(current(table, cutoff - 1, last + 5));
        }
    }

    @Test
    void theCurrentOneStaysHoweverOldAndWhatTagsAndBranchesNeed() throws InterruptedException {
        Table table = table("refs", 6);
        Instant future = Instant.now().plusSeconds(1000);
        assertThat(ReplacedSnapshots.before(table, future))
                .hasSize(5)
                .doesNotContain(table.currentSnapshot().snapshotId());
        Snapshot third = table.snapshot(table.history().get(2).snapshotId());
        table.manageSnapshots().createTag("release", third.snapshotId()).commit();
        table.refresh();
        assertThat(ReplacedSnapshots.before(table, future))
                .as("the tagged one and those before it stay")
                .hasSize(2)
                .doesNotContain(third.snapshotId(), third.parentId());
        assertThat(ReplacedSnapshots.before(table("none", 0), future)).isEmpty();
    }

    @Test
    void aCommitThatWasRolledBackGoesByItsOwnAge() throws InterruptedException {
        Table table = table("rolled", 3);
        long undone = table.currentSnapshot().snapshotId();
        table.manageSnapshots().rollbackTo(table.currentSnapshot().parentId()).commit();
        append(table, 99);
        assertThat(ReplacedSnapshots.before(table, Instant.now().plusSeconds(1)))
                .contains(undone)
                .hasSize(3);
        assertThat(ReplacedSnapshots.before(table, Instant.EPOCH)).isEmpty();
    }
}
