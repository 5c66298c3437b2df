package dev.uncurl.jobs.tokenize;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.spark.Progress;
import dev.uncurl.jobs.spark.SparkWork;
import dev.uncurl.jobs.warehouse.CorpusRun;
import dev.uncurl.jobs.warehouse.InputDiff;
import dev.uncurl.jobs.warehouse.OutputLease;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.tokenizer.Gpt2Tokenizer;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.util.SerializableConfiguration;

/**
 * Tokenises all corpora of a run together and writes corpus.sequences or corpus.examples, corpus.rejections and
 * corpus.runs. The first Spark job reads units and stages their rows by bucket of the shuffle or by task; the second
 * writes each bucket and task to a data file. A finished unit stays staged until the commit, so a killed run can be
 * continued. The row of corpus.runs is written last: a corpus without it does not exist.
 */
final class Tokenization {
    private final Warehouse warehouse;
    private final TokenizeConfig config;
    private final double maxRejected;
    private final int partitions;
    private final String command;
    private final Duplicates duplicates;
    private List<CorpusPlan> plans;

    /**
     * Finds and checks the files of all corpora.
     *
     * @param maxRejected largest share of rejected documents of a corpus
     * @param partitions largest number of Spark tasks; the rows do not depend on it
     * @param command the command line, for corpus.runs
     */
    Tokenization(Warehouse warehouse, TokenizeConfig config, double maxRejected, int partitions, String command) {
        this.warehouse = warehouse;
        this.config = config;
        this.maxRejected = maxRejected;
        this.partitions = partitions;
        this.command = command;
        this.duplicates = new Duplicates(warehouse, config);
        duplicates.earlier();
        this.plans = config.corpora().stream()
                .map(corpus -> CorpusPlan.of(config, corpus, hadoop()))
                .toList();
        plans.forEach(
                plan -> plan.remarks().forEach(remark -> System.out.println("Corpus " + plan.name() + ": " + remark)));
    }

    private Configuration hadoop() {
        return warehouse.spark().sparkContext().hadoopConfiguration();
    }

    private Staging staging(CorpusPlan plan) {
        return new Staging(warehouse.stagingFolder(plan.name()).toString(), hadoop());
    }

    /** Estimates the results of the run from samples; writes nothing. */
    List<Estimate.Expected> estimate() {
        InputCheck.run(warehouse, plans);
        return Estimate.of(warehouse, config, plans);
    }

    /** Tokenises the corpora; reuses those that exist with the same inputs. */
    void run(boolean replace) {
        var leases = new ArrayList<OutputLease>();
        try {
            for (CorpusPlan plan : plans) {
                leases.add(warehouse.lock("corpus", plan.name()));
            }
            plans = duplicates.dependent(InputHashes.of(warehouse, plans, partitions));
            List<CorpusPlan> wanted = wanted(replace);
            if (!wanted.isEmpty()) {
                new TaskNames(warehouse).requireNoTasks(wanted);
                make(wanted);
            }
        } finally {
            leases.forEach(OutputLease::close);
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
                throw UserError.conflict(
                        "Corpus " + plan.name() + " exists and was made from other inputs:"
                                + InputDiff.differences(made.inputs(), plan.inputs()),
                        "Choose another name or --warehouse, or replace it with --replace.");
            }
            wanted.add(plan);
        }
        return wanted;
    }

    private void make(List<CorpusPlan> wanted) {
        InputCheck.run(warehouse, wanted);
        Map<String, List<UnitReport>> reports = read(wanted);
        var totals = new TreeMap<String, CorpusTotals>();
        for (CorpusPlan plan : wanted) {
            totals.put(plan.name(), CorpusTotals.of(plan.units(), reports.get(plan.name())));
            account(plan, reports).refuseUnusable(totals.get(plan.name()), maxRejected, config.maxDamagedFiles());
        }
        new TaskNames(warehouse).requireDistinct(reports);
        Map<String, List<CorpusOutput.Written>> written =
                new CorpusWriting(warehouse, config, partitions).write(wanted, reports);
        var ready = new ArrayList<CorpusCommit.Ready>();
        for (CorpusPlan plan : wanted) {
            List<CorpusOutput.Written> files = written.getOrDefault(plan.name(), List.of());
            totals.computeIfPresent(plan.name(), (name, total) -> afterMixture(total, files));
            totals.get(plan.name()).check(plan.name(), files, config.sequenceLength());
            long both = SplitOverlap.count(warehouse, plan, reports.get(plan.name()), staging(plan));
            ready.add(new CorpusCommit.Ready(plan, totals.get(plan.name()), files, both));
        }
        new CorpusCommit(
                        warehouse, config, Gpt2Tokenizer.of(config.vocabulary()).fingerprint(), command)
                .commit(ready);
        DatasetCard.write(warehouse, wanted.stream().map(CorpusPlan::name).toList());
        ready.forEach(corpus -> {
            staging(corpus.plan()).discard();
            print(corpus, account(corpus.plan(), reports));
        });
    }

    private static CorpusAccount account(CorpusPlan plan, Map<String, List<UnitReport>> reports) {
        return new CorpusAccount(plan, reports.get(plan.name()));
    }

    /** Returns the totals without the examples that the mixture left out while files were written. */
    private static CorpusTotals afterMixture(CorpusTotals totals, List<CorpusOutput.Written> files) {
        long examples =
                files.stream().mapToLong(CorpusOutput.Written::droppedRows).sum();
        long tokens = files.stream().mapToLong(CorpusOutput.Written::dropped).sum();
        return totals.without(MixtureShares.REASON, examples, tokens);
    }

    private static void print(CorpusCommit.Ready corpus, CorpusAccount account) {
        CorpusTotals totals = corpus.totals();
        System.out.printf(
                Locale.ROOT,
                "Corpus %s: %,d documents = %,d kept + %,d filtered + %,d rejected; %,d damaged files; %,d tokens in %,d"
                        + " rows%n%s",
                corpus.plan().name(),
                totals.documents(),
                totals.kept(),
                totals.filteredTotal(),
                totals.rejectedTotal(),
                totals.damagedFiles(),
                corpus.tokens(),
                corpus.rows(),
                account.lines());
        if (corpus.inBothSplits() > 0) {
            System.out.printf(
                    Locale.ROOT,
                    "Corpus %s: %,d documents are in its training files and in its validation files%n",
                    corpus.plan().name(),
                    corpus.inBothSplits());
        }
    }

    private record Work(TokenUnit unit, UnitRules rules, String staging, long[] duplicates) implements Serializable {}

    /** Stages the unfinished units and returns the reports of all units. */
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
                    item -> new UnitTokenizer(
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

    /** Returns the units that an earlier run with the same inputs finished; discards those of other inputs. */
    private Map<Integer, UnitReport> resume(CorpusPlan plan) {
        Staging staging = staging(plan);
        Map<String, String> staged = staging.inputs();
        if (plan.inputs().equals(staged)) {
            Map<Integer, UnitReport> finished = staging.finished();
            finished.keySet().removeIf(unit -> unit >= plan.units().size());
            System.out.printf(
                    Locale.ROOT,
                    "Corpus %s: %d of %d units were finished by an earlier run.%n",
                    plan.name(),
                    finished.size(),
                    plan.units().size());
            return finished;
        }
        if (staged != null) {
            System.out.println("Corpus " + plan.name() + ": an unfinished run with other inputs is discarded:"
                    + InputDiff.differences(staged, plan.inputs()));
        }
        staging.discard();
        staging.begin(plan.inputs());
        return new TreeMap<>();
    }

    /** Packs the tails of the units as one additional unit. */
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
                    UnitTokenizer.stage(staged, plan.rules(), split, unit, index[0]++, packed);
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
                    Map.of(),
                    Map.of(),
                    null));
        } catch (IOException e) {
            throw new UncheckedIOException("staging the tails of corpus " + plan.name(), e);
        }
    }
}
