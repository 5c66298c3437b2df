package dev.uncurl.jobs;

import dev.uncurl.config.TokenizeConfig;
import dev.uncurl.error.Refusal;
import dev.uncurl.tokenizer.Gpt2Tokenizer;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
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
 * Reads corpora into corpus.sequences or corpus.examples, corpus.rejections and corpus.runs, all corpora of a run
 * together. Two Spark jobs: one reads units and stages their rows by bucket of the shuffle or by task, one turns each
 * bucket and task into a data file. A finished unit stays staged until the commit, so that a run that is killed goes on
 * where it was. The row of corpus.runs is written last: a corpus without it is not there.
 */
final class Tokenization {
    /** Staged bytes that are worth a Spark task of their own. */
    private static final long TASK_BYTES = 2 << 20;

    private final Warehouse warehouse;
    private final TokenizeConfig config;
    private final double maxRejected;
    private final int partitions;
    private final String command;
    private final Duplicates duplicates;
    private final List<CorpusPlan> plans;

    /**
     * Finds and checks the files of all corpora.
     *
     * @param maxRejected share of a corpus's documents that may be rejected
     * @param partitions Spark tasks at most; the rows do not depend on it
     * @param command line of the run, for corpus.runs
     */
    Tokenization(Warehouse warehouse, TokenizeConfig config, double maxRejected, int partitions, String command) {
        this.warehouse = warehouse;
        this.config = config;
        this.maxRejected = maxRejected;
        this.partitions = partitions;
        this.command = command;
        this.duplicates = new Duplicates(warehouse, config.duplicates());
        this.plans = duplicates.dependent(config.corpora().stream()
                .map(corpus -> CorpusPlan.of(config, corpus, hadoop()))
                .toList());
    }

    private Configuration hadoop() {
        return warehouse.spark().sparkContext().hadoopConfiguration();
    }

    private Staging staging(CorpusPlan plan) {
        return new Staging(warehouse.stagingFolder(plan.name()).toString(), hadoop());
    }

    /** What the run would give, from a sample; writes nothing. */
    List<Estimate.Expected> estimate() {
        return Estimate.of(warehouse, config, plans);
    }

    /** Tokenises the corpora that are not there already from the same inputs. */
    void run(boolean replace) {
        var holds = new ArrayList<Warehouse.Hold>();
        try {
            for (CorpusPlan plan : plans) {
                holds.add(warehouse.hold("corpus-" + plan.name()));
            }
            List<CorpusPlan> wanted = wanted(replace);
            if (!wanted.isEmpty()) {
                make(wanted);
            }
        } finally {
            holds.forEach(Warehouse.Hold::close);
        }
    }

    private List<CorpusPlan> wanted(boolean replace) {
        Map<String, CorpusRun> runs = CorpusRun.newest(warehouse);
        var wanted = new ArrayList<CorpusPlan>();
        for (CorpusPlan plan : plans) {
            CorpusRun made = runs.get(plan.name());
            if (made != null && made.runId().equals(plan.runId())) {
                System.out.println("Corpus " + plan.name() + " is there already, made from the same inputs: reused.");
                staging(plan).discard();
                continue;
            }
            if (made != null && !replace) {
                throw Refusal.conflict(
                        "Corpus " + plan.name() + " exists and was made from other inputs:"
                                + Inputs.differences(made.inputs(), plan.inputs()),
                        "Choose another name or --warehouse, or --replace it.");
            }
            wanted.add(plan);
        }
        return wanted;
    }

    private void make(List<CorpusPlan> wanted) {
        Map<String, List<UnitReport>> reports = read(wanted);
        var totals = new TreeMap<String, CorpusTotals>();
        for (CorpusPlan plan : wanted) {
            totals.put(plan.name(), CorpusTotals.of(reports.get(plan.name())));
            refuseUnusable(plan, totals.get(plan.name()));
        }
        Map<String, List<CorpusOutput.Written>> written = write(wanted, reports);
        var ready = new ArrayList<CorpusCommit.Ready>();
        for (CorpusPlan plan : wanted) {
            List<CorpusOutput.Written> files = written.getOrDefault(plan.name(), List.of());
            totals.computeIfPresent(plan.name(), (name, total) -> withoutUnmixed(total, files));
            totals.get(plan.name()).check(plan.name(), files, config.sequenceLength());
            ready.add(new CorpusCommit.Ready(plan, totals.get(plan.name()), files));
        }
        new CorpusCommit(
                        warehouse, config, Gpt2Tokenizer.of(config.vocabulary()).fingerprint(), command)
                .commit(ready);
        DatasetCard.write(warehouse, wanted.stream().map(CorpusPlan::name).toList());
        ready.forEach(corpus -> {
            staging(corpus.plan()).discard();
            print(corpus);
        });
    }

    /** Totals after the mixture: what it left out is counted where the examples were gone through. */
    private static CorpusTotals withoutUnmixed(CorpusTotals totals, List<CorpusOutput.Written> files) {
        long examples =
                files.stream().mapToLong(CorpusOutput.Written::droppedRows).sum();
        long tokens = files.stream().mapToLong(CorpusOutput.Written::dropped).sum();
        return totals.without(MixtureShares.REASON, examples, tokens);
    }

    private static void print(CorpusCommit.Ready corpus) {
        CorpusTotals totals = corpus.totals();
        System.out.printf(
                "Corpus %s: %,d documents = %,d kept + %,d filtered + %,d rejected; %,d tokens in %,d rows%n",
                corpus.plan().name(),
                totals.documents(),
                totals.kept(),
                totals.filteredTotal(),
                totals.rejectedTotal(),
                corpus.tokens(),
                corpus.rows());
    }

    private record Work(TokenUnit unit, UnitTokens.Rules rules, String staging, long[] duplicates)
            implements Serializable {}

    /** Stages the units that are not finished yet, and gives the reports of all. */
    private Map<String, List<UnitReport>> read(List<CorpusPlan> wanted) {
        Map<String, Map<Integer, long[]>> copies = duplicates.find(plans);
        var reports = new HashMap<String, Map<Integer, UnitReport>>();
        var work = new ArrayList<Work>();
        for (CorpusPlan plan : wanted) {
            Map<Integer, UnitReport> finished = resume(plan);
            reports.put(plan.name(), finished);
            String folder = warehouse.stagingFolder(plan.name()).toString();
            plan.units().stream()
                    .filter(unit -> !finished.containsKey(unit.number()))
                    .forEach(unit -> work.add(new Work(
                            unit,
                            plan.rules(),
                            folder,
                            copies.get(plan.name()).getOrDefault(unit.number(), new long[0]))));
        }
        work.sort(Comparator.comparingLong((Work item) -> -item.unit.bytes()));
        var hadoop = new SerializableConfiguration(hadoop());
        long bytes = work.stream().mapToLong(item -> item.unit.bytes()).sum();
        warehouse.describe("tokenize: read and pack");
        List<Work> items = List.copyOf(work);
        if (!items.isEmpty()) {
            List<UnitReport> made = SparkWork.collect(
                    warehouse.context(),
                    items,
                    partitions,
                    item -> new UnitTokens(
                                    item.unit, item.rules, item.duplicates, new Staging(item.staging, hadoop.value()))
                            .run(hadoop.value()),
                    item -> item.unit.bytes(),
                    new Progress("tokenize", "bytes", bytes));
            for (int i = 0; i < made.size(); i++) {
                reports.get(items.get(i).unit.corpus()).put(made.get(i).unit(), made.get(i));
            }
        }
        var all = new HashMap<String, List<UnitReport>>();
        for (CorpusPlan plan : wanted) {
            var list = new ArrayList<>(reports.get(plan.name()).values());
            packTails(plan, list);
            all.put(plan.name(), list);
        }
        return all;
    }

    /** What an earlier run of the same inputs has finished; what one of other inputs left is thrown away. */
    private Map<Integer, UnitReport> resume(CorpusPlan plan) {
        Staging staging = staging(plan);
        Map<String, String> staged = staging.inputs();
        if (plan.inputs().equals(staged)) {
            Map<Integer, UnitReport> finished = staging.finished();
            finished.keySet().removeIf(unit -> unit >= plan.units().size());
            System.out.printf(
                    "Corpus %s: %d of %d units were finished by an earlier run.%n",
                    plan.name(), finished.size(), plan.units().size());
            return finished;
        }
        if (staged != null) {
            System.out.println("Corpus " + plan.name() + ": an unfinished run of other inputs is thrown away:"
                    + Inputs.differences(staged, plan.inputs()));
        }
        staging.discard();
        staging.begin(plan.inputs());
        return new TreeMap<>();
    }

    /** Packs what the units left over as one more unit. */
    private void packTails(CorpusPlan plan, List<UnitReport> reports) {
        if (reports.stream().allMatch(report -> report.tails().isEmpty())) {
            return;
        }
        Staging staging = staging(plan);
        int unit = plan.units().size();
        Path file = staging.newFile(unit);
        try (var staged = new StagedFile(staging.files(), file)) {
            int[] index = {0};
            long[] padding = {0};
            for (String split : List.of("train", "validation")) {
                var packing = new TailPacking(config.sequenceLength(), packed -> {
                    padding[0] += packed.padding();
                    UnitTokens.stage(staged, plan.rules(), split, unit, index[0]++, packed);
                });
                reports.stream()
                        .filter(report -> report.tails().containsKey(split))
                        .forEach(report -> packing.add(report.tails().get(split)));
                packing.end();
            }
            var segments = staged.end();
            reports.add(new UnitReport(
                    unit,
                    file.getName(),
                    staged.size(),
                    0,
                    0,
                    Map.of(),
                    Map.of(),
                    0,
                    Map.of(),
                    padding[0],
                    0,
                    new long[UnitReport.LENGTHS],
                    Map.of(),
                    segments,
                    Map.of()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void refuseUnusable(CorpusPlan plan, CorpusTotals totals) {
        double share = totals.documents() == 0 ? 0 : (double) totals.rejectedTotal() / totals.documents();
        if (share > maxRejected) {
            throw Refusal.rejections(
                    String.format(
                            "Corpus %s: %,d of %,d documents are rejected, more than max-rejected = %s: %s",
                            plan.name(), totals.rejectedTotal(), totals.documents(), maxRejected, totals.rejected()),
                    "No table was changed. Mend the files, or raise --max-rejected.");
        }
        if (totals.kept() == 0) {
            throw Refusal.input(
                    "Corpus " + plan.name() + " holds no document: "
                            + String.join(", ", plan.corpus().paths()),
                    "No table was changed. Name files with text in format "
                            + plan.corpus().format() + ".");
        }
    }

    private Map<String, List<CorpusOutput.Written>> write(
            List<CorpusPlan> wanted, Map<String, List<UnitReport>> reports) {
        var tables = new EnumMap<StagedKey.Kind, Table>(StagedKey.Kind.class);
        tables.put(StagedKey.Kind.SEQUENCE, copy(Tables.SEQUENCES));
        tables.put(StagedKey.Kind.EXAMPLE, copy(Tables.EXAMPLES));
        tables.put(StagedKey.Kind.REJECTION, copy(Tables.REJECTIONS));
        tables.put(StagedKey.Kind.DOCUMENT, copy(Tables.DOCUMENTS));
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

    private Table copy(Tables table) {
        return SerializableTableWithSize.copyOf(warehouse.iceberg(table));
    }

    /** One job per key; sequences are numbered on from bucket to bucket. */
    private List<CorpusOutput.Job> jobs(CorpusPlan plan, List<UnitReport> reports) {
        Staging staging = staging(plan);
        var parts = new TreeMap<StagedKey, List<CorpusOutput.Part>>();
        for (UnitReport report : reports) {
            String file = staging.path(report).toString();
            report.segments().forEach(segment -> parts.computeIfAbsent(segment.key(), k -> new ArrayList<>())
                    .add(new CorpusOutput.Part(file, segment.offset(), segment.length(), segment.records())));
        }
        var shares = new MixtureShares(config.mixtures().get(plan.name()), plan.name(), config.seed());
        Map<String, Long> keep = shares.keep(parts);
        var jobs = new ArrayList<CorpusOutput.Job>();
        var next = new HashMap<String, Long>();
        parts.forEach((key, lies) -> {
            boolean numbered = key.kind() == StagedKey.Kind.SEQUENCE;
            long first = numbered ? next.getOrDefault(key.split(), 0L) : 0;
            if (numbered) {
                next.put(
                        key.split(),
                        first
                                + lies.stream()
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
                    List.copyOf(lies)));
        });
        return jobs;
    }

    /** Jobs together that are too small to be a task each, the largest first. */
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
}
