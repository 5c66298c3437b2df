package dev.uncurl.jobs.maintain;

import dev.uncurl.jobs.spark.Causes;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.iceberg.ManifestFile;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.actions.BinPackRewriteFilePlanner;
import org.apache.iceberg.actions.FileRewritePlan;
import org.apache.iceberg.actions.RewriteDataFiles;
import org.apache.iceberg.actions.RewriteFileGroup;
import org.apache.iceberg.actions.RewriteManifests;
import org.apache.iceberg.exceptions.CommitFailedException;
import org.apache.iceberg.exceptions.ValidationException;
import org.apache.iceberg.hadoop.HadoopFileIO;
import org.apache.iceberg.spark.actions.DeleteOrphanFilesSparkAction;
import org.apache.iceberg.spark.actions.SparkActions;

/**
 * Keeps the files of one table few, by Iceberg's own actions. The rows stay. An action runs only if there is something for it, which
 * the metadata and a listing tell: most tables change little from night to night, and each action costs some Spark jobs.
 */
final class TableUpkeep {
    /** Which data files are joined: eight or more of one partition that are small. Large ones are never divided. */
    private static final Map<String, String> SMALL_FILES = Map.of(
            BinPackRewriteFilePlanner.MIN_INPUT_FILES, "8",
            BinPackRewriteFilePlanner.MIN_FILE_SIZE_BYTES, Long.toString(16L << 20),
            BinPackRewriteFilePlanner.TARGET_FILE_SIZE_BYTES, Long.toString(128L << 20),
            BinPackRewriteFilePlanner.MAX_FILE_SIZE_BYTES, Long.toString(1L << 40));

    /** Manifests are rewritten when there are more, and they are small. */
    private static final int MANIFESTS = 16;

    private static final long MANIFEST_BYTES = 4L << 20;

    /**
     * @param expire snapshots that were replaced before are expired
     * @param orphans files that belong to no snapshot and were written before are removed
     */
    record Cutoffs(Instant expire, Instant orphans) {}

    /** @param done what was done, or would be, in words; empty if there was nothing to do */
    record Outcome(List<String> done, TableSize before, TableSize after) {}

    private final UncurlTable table;
    private final Table iceberg;
    private final SparkActions actions;
    private final Configuration hadoop;
    private final Cutoffs cutoffs;

    TableUpkeep(Warehouse warehouse, UncurlTable table, Cutoffs cutoffs) {
        this.table = table;
        this.iceberg = warehouse.iceberg(table);
        this.actions = SparkActions.get(warehouse.spark());
        this.hadoop = warehouse.spark().sparkContext().hadoopConfiguration();
        this.cutoffs = cutoffs;
        iceberg.refresh();
    }

    /** Dumps are recognised by the names of their files, which a dump writes in a good size. */
    private boolean isJoined() {
        return table != UncurlTable.LOGITS;
    }

    private TableSize size(TableFiles files) {
        int snapshots = 0;
        for (Snapshot snapshot : iceberg.snapshots()) {
            snapshots++;
        }
        return new TableSize(files.count(), snapshots, files.bytes());
    }

    Outcome run() {
        TableFiles listed = TableFiles.list(iceberg, hadoop);
        TableSize before = size(listed);
        var done = new ArrayList<String>();
        joinFiles().ifPresent(done::add);
        rewriteManifests().ifPresent(done::add);
        expire().ifPresent(done::add);
        TableFiles left = done.isEmpty() ? listed : TableFiles.list(iceberg, hadoop);
        if (left.haveOrphans(iceberg, cutoffs.orphans)) {
            List<String> orphans = orphans(true);
            done.add(said("%,d orphans removed", orphans.size()));
            left = TableFiles.list(iceberg, hadoop);
        }
        int folders = EmptyFolders.remove(new Path(iceberg.location()), hadoop, cutoffs.orphans);
        if (folders > 0) {
            done.add(said("%,d empty folders removed", folders));
        }
        return new Outcome(done, before, size(left));
    }

    /** What {@link #run} would do; {@code after} is without what would be written anew. */
    Outcome plan() {
        TableFiles listed = TableFiles.list(iceberg, hadoop);
        TableSize before = size(listed);
        var done = new ArrayList<String>();
        int small = smallFiles();
        if (small > 0) {
            done.add(said("%,d small files to join", small));
        }
        int manifests = smallManifests();
        if (manifests > 0) {
            done.add(said("%,d manifests to rewrite", manifests));
        }
        Set<Long> expired = ReplacedSnapshots.before(iceberg, cutoffs.expire);
        Set<String> gone = filesOf(expired);
        long bytes = listed.bytes(gone);
        if (!expired.isEmpty()) {
            done.add(said("%,d snapshots to expire, with %,d files, %,d bytes", expired.size(), gone.size(), bytes));
        }
        List<String> orphans = listed.haveOrphans(iceberg, cutoffs.orphans) ? orphans(false) : List.of();
        if (!orphans.isEmpty()) {
            done.add(said("%,d orphans to remove, %,d bytes", orphans.size(), listed.bytes(orphans)));
        }
        return new Outcome(
                done,
                before,
                new TableSize(
                        before.files() - gone.size() - orphans.size(),
                        before.snapshots() - expired.size(),
                        before.bytes() - bytes - listed.bytes(orphans)));
    }

    private static String said(String format, Object... numbers) {
        return String.format(Locale.ROOT, format, numbers);
    }

    /** Names of the files that no snapshot but these has. */
    private Set<String> filesOf(Set<Long> expired) {
        var kept = new ArrayList<Snapshot>();
        var others = new ArrayList<Snapshot>();
        iceberg.snapshots()
                .forEach(snapshot -> (expired.contains(snapshot.snapshotId()) ? others : kept).add(snapshot));
        Set<String> names = TableFiles.ofSnapshots(iceberg, others);
        names.removeAll(TableFiles.ofSnapshots(iceberg, kept));
        return names;
    }

    /** Number of data files that are to be joined. */
    private int smallFiles() {
        if (iceberg.currentSnapshot() == null || !isJoined()) {
            return 0;
        }
        var planner = new BinPackRewriteFilePlanner(iceberg);
        planner.init(SMALL_FILES);
        FileRewritePlan<?, ?, ?, RewriteFileGroup> plan = planner.plan();
        int files = 0;
        for (RewriteFileGroup group : plan.groups()) {
            files += group.inputFileNum();
        }
        return files;
    }

    private Optional<String> joinFiles() {
        if (smallFiles() == 0) {
            return Optional.empty();
        }
        return unlessChanged(() -> {
            RewriteDataFiles.Result result = actions.rewriteDataFiles(iceberg)
                    .binPack()
                    .options(SMALL_FILES)
                    .execute();
            return said("%,d files joined into %,d", result.rewrittenDataFilesCount(), result.addedDataFilesCount());
        });
    }

    private int smallManifests() {
        if (iceberg.currentSnapshot() == null) {
            return 0;
        }
        List<ManifestFile> manifests = iceberg.currentSnapshot().dataManifests(iceberg.io());
        long bytes = manifests.stream().mapToLong(ManifestFile::length).sum();
        return manifests.size() > MANIFESTS && bytes < manifests.size() * MANIFEST_BYTES ? manifests.size() : 0;
    }

    private Optional<String> rewriteManifests() {
        iceberg.refresh();
        if (smallManifests() == 0) {
            return Optional.empty();
        }
        return unlessChanged(() -> {
            RewriteManifests.Result result = actions.rewriteManifests(iceberg).execute();
            return said("%,d manifests rewritten", count(result.rewrittenManifests()));
        });
    }

    private static int count(Iterable<?> all) {
        int count = 0;
        for (Object one : all) {
            count++;
        }
        return count;
    }

    /** A rewrite does not commit if another run has changed what it rewrote. Nothing is lost: the next one does it. */
    private Optional<String> unlessChanged(Supplier<String> rewrite) {
        try {
            return Optional.of(rewrite.get());
        } catch (RuntimeException e) {
            if (Causes.of(e).stream()
                    .noneMatch(
                            cause -> cause instanceof ValidationException || cause instanceof CommitFailedException)) {
                throw e;
            }
            return Optional.of("not rewritten, since another run changed it meanwhile: left for the next time");
        } finally {
            iceberg.refresh();
        }
    }

    private Optional<String> expire() {
        Set<Long> expired = ReplacedSnapshots.before(iceberg, cutoffs.expire);
        if (expired.isEmpty()) {
            return Optional.empty();
        }
        var expiry = iceberg.expireSnapshots().expireOlderThan(0); // by age none but these:
        expired.forEach(expiry::expireSnapshotId);
        expiry.commit();
        return Optional.of(said("%,d snapshots expired", expired.size()));
    }

    /** @return places of the orphans, which are deleted, or only listed */
    private List<String> orphans(boolean delete) {
        DeleteOrphanFilesSparkAction action = actions.deleteOrphanFiles(iceberg)
                .olderThan(cutoffs.orphans.toEpochMilli())
                .usePrefixListing(!(iceberg.io() instanceof HadoopFileIO));
        if (!delete) {
            action.deleteWith(file -> {});
        }
        var orphans = new ArrayList<String>();
        action.execute().orphanFileLocations().forEach(orphans::add);
        return orphans;
    }
}
