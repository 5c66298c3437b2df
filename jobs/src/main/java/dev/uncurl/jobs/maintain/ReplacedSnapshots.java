package dev.uncurl.jobs.maintain;

import java.time.Instant;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Set;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.SnapshotRef;
import org.apache.iceberg.Table;
import org.apache.iceberg.util.SnapshotUtil;

/**
 * Which snapshots of a table may be expired: those that the next one replaced before an instant. So every state that the table had
 * after that instant can still be read, and a run that read the table after it can still commit. Iceberg's own rule goes by the age
 * of a snapshot, and would expire one that was made last year and replaced a second ago.
 */
final class ReplacedSnapshots {
    private ReplacedSnapshots() {}

    /** Ids; never of a snapshot that a branch or a tag needs. */
    static Set<Long> before(Table table, Instant instant) {
        var expired = new LinkedHashSet<Long>();
        var known = new HashSet<Long>();
        Iterator<Snapshot> history = SnapshotUtil.currentAncestors(table).iterator();
        for (Snapshot newer = null; history.hasNext(); ) {
            Snapshot next = history.next();
            known.add(next.snapshotId());
            if (newer != null && newer.timestampMillis() < instant.toEpochMilli()) {
                expired.add(next.snapshotId());
            }
            newer = next;
        }
        for (Snapshot other : table.snapshots()) { // in no history: of a commit that was rolled back
            if (!known.contains(other.snapshotId()) && other.timestampMillis() < instant.toEpochMilli()) {
                expired.add(other.snapshotId());
            }
        }
        table.refs().forEach((name, ref) -> {
            if (!name.equals(SnapshotRef.MAIN_BRANCH)) {
                SnapshotUtil.ancestorsOf(ref.snapshotId(), table::snapshot)
                        .forEach(needed -> expired.remove(needed.snapshotId()));
            }
        });
        return expired;
    }
}
