package dev.uncurl.jobs.tokenize;

import dev.uncurl.corpus.io.CorpusFiles;
import dev.uncurl.jobs.spark.Progress;
import dev.uncurl.jobs.spark.SparkWork;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.util.SerializableConfiguration;

/**
 * Hashes the files of a run, unit by unit, in Spark tasks. This reads each input once more, at the speed of the disk or
 * network: a small part of what tokenising the same bytes takes. It is what lets a run know its inputs whatever the file
 * system says of them, and every later pass over a unit prove that it read these bytes and no others.
 */
final class InputHashes {
    private InputHashes() {}

    /** The plans with the contents of their files. */
    static List<CorpusPlan> of(Warehouse warehouse, List<CorpusPlan> plans, int partitions) {
        List<TokenUnit> units =
                plans.stream().flatMap(plan -> plan.units().stream()).toList();
        var hadoop =
                new SerializableConfiguration(warehouse.spark().sparkContext().hadoopConfiguration());
        warehouse.describe("tokenize: hash inputs");
        List<String> hashes = SparkWork.collect(
                warehouse.context(),
                units,
                partitions,
                unit -> CorpusFiles.hash(hadoop.value(), unit.path(), unit.start(), unit.bytes(), unit.last()),
                TokenUnit::bytes,
                new Progress(
                        "hash inputs",
                        "bytes",
                        units.stream().mapToLong(TokenUnit::bytes).sum()));
        Map<String, List<String>> byCorpus = new HashMap<>();
        for (int i = 0; i < units.size(); i++) {
            byCorpus.computeIfAbsent(units.get(i).corpus(), corpus -> new ArrayList<>())
                    .add(hashes.get(i));
        }
        return plans.stream()
                .map(plan -> plan.withContents(byCorpus.get(plan.name())))
                .toList();
    }
}
