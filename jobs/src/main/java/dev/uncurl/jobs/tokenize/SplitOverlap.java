package dev.uncurl.jobs.tokenize;

import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.util.SerializableConfiguration;
import scala.Tuple2;

/**
 * Counts the texts that are in both the training and the validation split of a corpus. If the contents decide the
 * split, there are none, since equal texts are in the same split. If files are named for validation, one shuffle groups
 * the hashes that were staged with the rows.
 */
final class SplitOverlap {
    private static final int TRAINS = 1;
    private static final int VALIDATES = 2;

    /** A segment with the staged hashes of a unit. */
    private record Part(String file, long offset, int length, int side) implements Serializable {}

    private SplitOverlap() {}

    /**
     * Returns the number of distinct texts of kept documents or examples that are in both splits, before a mixture is
     * applied.
     */
    static long count(Warehouse warehouse, CorpusPlan plan, List<UnitReport> reports, Staging staging) {
        List<Part> parts = plan.splitByFile() ? parts(plan, reports, staging) : List.of();
        if (parts.isEmpty()) {
            return 0;
        }
        var hadoop =
                new SerializableConfiguration(warehouse.spark().sparkContext().hadoopConfiguration());
        warehouse.describe("tokenize: find documents that are in both splits");
        return warehouse
                .context()
                .parallelize(parts, Math.min(parts.size(), warehouse.context().defaultParallelism() * 4))
                .flatMapToPair(part -> hashes(part, hadoop.value()))
                .reduceByKey((a, b) -> a | b)
                .filter(sides -> sides._2() == (TRAINS | VALIDATES))
                .count();
    }

    private static List<Part> parts(CorpusPlan plan, List<UnitReport> reports, Staging staging) {
        var parts = new ArrayList<Part>();
        for (UnitReport report : reports) {
            String file = staging.path(report).toString();
            for (UnitReport.Segment segment : report.segments()) {
                if (segment.key().kind() == StagedKey.Kind.DOCUMENT) {
                    String split = plan.units().get(report.unit()).split();
                    parts.add(new Part(
                            file, segment.offset(), segment.length(), split.equals("train") ? TRAINS : VALIDATES));
                }
            }
        }
        return parts;
    }

    private static Iterator<Tuple2<String, Integer>> hashes(Part part, Configuration hadoop) throws IOException {
        var path = new Path(part.file);
        byte[] bytes = new byte[part.length];
        try (var in = path.getFileSystem(hadoop).open(path)) {
            in.readFully(part.offset, bytes);
        }
        var hashes = new ArrayList<Tuple2<String, Integer>>();
        var in = new RecordBuffer.Reader(bytes, 0, bytes.length);
        while (!in.atEnd()) {
            hashes.add(new Tuple2<>(in.getString(), part.side));
            in.getInt(); // unit
            in.getLong(); // offset
        }
        return hashes.iterator();
    }
}
