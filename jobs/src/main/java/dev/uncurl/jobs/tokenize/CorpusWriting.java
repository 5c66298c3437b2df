package dev.uncurl.jobs.tokenize;

import dev.uncurl.jobs.spark.Progress;
import dev.uncurl.jobs.spark.SparkWork;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.iceberg.Table;
import org.apache.iceberg.spark.source.SerializableTableWithSize;
import org.apache.spark.util.SerializableConfiguration;

/**
 * The second Spark job of a tokenise run: writes the staged rows to data files, one for each bucket of the shuffle and
 * for each task. It commits nothing.
 */
final class CorpusWriting {
    /** Staged bytes that justify a separate Spark task. */
    private static final long TASK_BYTES = 2 << 20;

    private final Warehouse warehouse;
    private final TokenizeConfig config;
    private final int partitions;

    /** @param partitions largest number of Spark tasks; the rows do not depend on it */
    CorpusWriting(Warehouse warehouse, TokenizeConfig config, int partitions) {
        this.warehouse = warehouse;
        this.config = config;
        this.partitions = partitions;
    }

    /** Writes the data files and returns them by corpus. They are not part of a table before the commit. */
    Map<String, List<CorpusOutput.Written>> write(List<CorpusPlan> wanted, Map<String, List<UnitReport>> reports) {
        var tables = new EnumMap<StagedKey.Kind, Table>(StagedKey.Kind.class);
        tables.put(StagedKey.Kind.SEQUENCE, copy(UncurlTable.SEQUENCES));
        tables.put(StagedKey.Kind.EXAMPLE, copy(UncurlTable.EXAMPLES));
        tables.put(StagedKey.Kind.REJECTION, copy(UncurlTable.REJECTIONS));
        tables.put(StagedKey.Kind.DOCUMENT, copy(UncurlTable.DOCUMENTS));
        var paths = new HashMap<String, Map<Integer, String>>();
        var jobs = new ArrayList<CorpusOutput.Job>();
        for (CorpusPlan plan : wanted) {
            paths.put(plan.name(), plan.paths());
            jobs.addAll(jobs(plan, reports.get(plan.name())));
        }
        var shared = warehouse.context().broadcast(new Shared(tables, paths));
        var hadoop = new SerializableConfiguration(hadoop());
        warehouse.describe("tokenize: shuffle and write");
        List<List<CorpusOutput.Written>> written = SparkWork.collect(
                warehouse.context(),
                bins(jobs),
                partitions,
                bin -> {
                    var done = new ArrayList<CorpusOutput.Written>();
                    for (CorpusOutput.Job job : bin) {
                        Shared with = shared.value();
                        var files = new Path(job.parts().get(0).file()).getFileSystem(hadoop.value());
                        done.add(new CorpusOutput(
                                        job, with.tables.get(job.key().kind()), with.paths.get(job.corpus()), files)
                                .write());
                    }
                    return done;
                },
                bin -> bin.stream().mapToLong(CorpusOutput.Job::bytes).sum(),
                new Progress(
                        "write",
                        "bytes",
                        jobs.stream().mapToLong(CorpusOutput.Job::bytes).sum()));
        shared.destroy();
        var byCorpus = new HashMap<String, List<CorpusOutput.Written>>();
        written.forEach(bin -> bin.forEach(file ->
                byCorpus.computeIfAbsent(file.corpus(), c -> new ArrayList<>()).add(file)));
        return byCorpus;
    }

    private record Shared(Map<StagedKey.Kind, Table> tables, Map<String, Map<Integer, String>> paths)
            implements Serializable {}

    private Table copy(UncurlTable table) {
        return SerializableTableWithSize.copyOf(warehouse.iceberg(table));
    }

    /** Creates one job per key. Ids of sequences continue from bucket to bucket. */
    private List<CorpusOutput.Job> jobs(CorpusPlan plan, List<UnitReport> reports) {
        var staging = new Staging(warehouse.stagingFolder(plan.name()).toString(), hadoop());
        var parts = new TreeMap<StagedKey, List<CorpusOutput.Part>>();
        for (UnitReport report : reports) {
            String file = staging.path(report).toString();
            report.segments().stream()
                    .filter(segment -> segment.key().kind() != StagedKey.Kind.DOCUMENT
                            || plan.rules().keepHashes())
                    .forEach(segment -> parts.computeIfAbsent(segment.key(), k -> new ArrayList<>())
                            .add(new CorpusOutput.Part(file, segment.offset(), segment.length(), segment.records())));
        }
        var shares = new MixtureShares(config.mixtures().get(plan.name()), plan.name(), config.seed());
        Map<String, Long> keep = shares.keep(parts);
        var jobs = new ArrayList<CorpusOutput.Job>();
        var next = new HashMap<String, Long>();
        parts.forEach((key, keyParts) -> {
            boolean numbered = key.kind() == StagedKey.Kind.SEQUENCE;
            long first = numbered ? next.getOrDefault(key.split(), 0L) : 0;
            if (numbered) {
                next.put(
                        key.split(),
                        first
                                + keyParts.stream()
                                        .mapToInt(CorpusOutput.Part::records)
                                        .sum());
            }
            String name = plan.runId().substring(0, 12) + "-" + UUID.randomUUID();
            jobs.add(new CorpusOutput.Job(
                    plan.name(),
                    name,
                    key,
                    first,
                    plan.promptVersion(),
                    config.seed(),
                    key.kind() == StagedKey.Kind.EXAMPLE && key.split().equals("train")
                            ? keep.getOrDefault(key.detail(), -1L)
                            : -1,
                    List.copyOf(keyParts)));
        });
        return jobs;
    }

    /** Groups jobs that are too small for separate tasks, the largest first. */
    private static List<List<CorpusOutput.Job>> bins(List<CorpusOutput.Job> jobs) {
        var bins = new ArrayList<List<CorpusOutput.Job>>();
        var sorted = new ArrayList<>(jobs);
        sorted.sort(Comparator.comparingLong(CorpusOutput.Job::bytes).reversed());
        long filled = TASK_BYTES;
        for (CorpusOutput.Job job : sorted) {
            if (filled + job.bytes() > TASK_BYTES) {
                bins.add(new ArrayList<>());
                filled = 0;
            }
            bins.get(bins.size() - 1).add(job);
            filled += job.bytes();
        }
        return bins;
    }

    private Configuration hadoop() {
        return warehouse.spark().sparkContext().hadoopConfiguration();
    }
}
