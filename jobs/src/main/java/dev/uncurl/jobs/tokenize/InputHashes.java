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
 * network, which takes a small part of the time of tokenising. The hashes identify the inputs independently of the
 * metadata of the file system, and every later pass over a unit checks that it read the same bytes.
 */
final class InputHashes {
    private InputHashes() {}

    /** Returns the plans with the contents of their files as inputs. */
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
