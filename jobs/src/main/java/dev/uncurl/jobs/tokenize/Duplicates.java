package dev.uncurl.jobs.tokenize;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.collect_list;
import static org.apache.spark.sql.functions.row_number;

import dev.uncurl.corpus.ContentHash;
import dev.uncurl.corpus.Document;
import dev.uncurl.corpus.DocumentFilter.Normalization;
import dev.uncurl.corpus.Example;
import dev.uncurl.corpus.Outcome;
import dev.uncurl.corpus.format.CorpusReader;
import dev.uncurl.corpus.io.PartHash;
import dev.uncurl.error.Nearest;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.tokenize.TokenizeConfig.Duplicates.Within;
import dev.uncurl.jobs.warehouse.CorpusRun;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.expressions.Window;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.SerializableConfiguration;

/**
 * Finds exact copies before tokenising. One pass over the text computes hashes, one shuffle groups equal hashes, and
 * the first text of each group is kept, in the order of corpora, units and positions. The driver receives only the
 * positions of the copies, eight bytes each.
 */
final class Duplicates {
    private static final StructType PLACES =
            StructType.fromDDL("scope INT, hash STRING, corpus INT, unit INT, ordinal BIGINT");

    private record UnitScan(int scope, int corpus, TokenUnit unit) implements java.io.Serializable {}

    private final Warehouse warehouse;
    private final Within within;
    private final List<String> against;
    private final Normalization normalization;

    Duplicates(Warehouse warehouse, TokenizeConfig config) {
        this.warehouse = warehouse;
        this.within = config.duplicates().within();
        this.against = config.duplicates().against();
        this.normalization = config.filter().normalization();
    }

    /**
     * Returns the earlier runs whose documents count as originals.
     *
     * @throws UserError (input) if the hashes of a run are missing
     */
    List<CorpusRun> earlier() {
        var runs = against.isEmpty() ? Map.<String, CorpusRun>of() : CorpusRun.newest(warehouse);
        var earlier = new ArrayList<CorpusRun>();
        for (String name : against) {
            CorpusRun run = runs.get(name);
            if (run == null) {
                throw UserError.input(
                        "duplicates.against names " + name + ", which is not in this warehouse",
                        Nearest.hint(name, runs.keySet()));
            }
            if (warehouse.rows(UncurlTable.DOCUMENTS, "corpus", name).isEmpty()) {
                throw UserError.input(
                        "duplicates.against names " + name + ", but this warehouse has no hashes of its documents",
                        "Tokenise it first with duplicates.within = corpus, or remove it from duplicates.against.");
            }
            earlier.add(run);
        }
        return earlier;
    }

    /**
     * Adds to the inputs of each corpus the other corpora on which its rows depend: those before it in the run, and
     * those of earlier runs.
     */
    List<CorpusPlan> dependent(List<CorpusPlan> plans) {
        if (within == Within.NONE) {
            return plans;
        }
        List<CorpusRun> earlier = earlier();
        var before = new ArrayList<String>();
        var dependent = new ArrayList<CorpusPlan>();
        for (CorpusPlan plan : plans) {
            CorpusPlan with = plan.with("duplicates-against", CorpusRun.ids(earlier));
            if (within == Within.RUN) {
                with = with.with("duplicates-after", String.join("+", before));
            }
            dependent.add(with);
            before.add(plan.name() + "@" + plan.runId().substring(0, 12));
        }
        return dependent;
    }

    /** Returns the ordinals of the copies, ascending, by corpus and unit. */
    Map<String, Map<Integer, long[]>> find(List<CorpusPlan> plans) {
        var found = new HashMap<String, Map<Integer, long[]>>();
        plans.forEach(plan -> found.put(plan.name(), new HashMap<>()));
        if (within == Within.NONE) {
            return found;
        }
        var order = Window.partitionBy("scope", "hash").orderBy("corpus", "unit", "ordinal");
        warehouse.describe("tokenize: find duplicates");
        places(plans)
                .withColumn("copy", row_number().over(order))
                .where(col("copy").gt(1).and(col("corpus").geq(0)))
                .groupBy("corpus", "unit")
                .agg(collect_list("ordinal"))
                .collectAsList()
                .forEach(row -> {
                    long[] ordinals = row.<Long>getList(2).stream()
                            .mapToLong(Long::longValue)
                            .sorted()
                            .toArray();
                    found.get(plans.get(row.getInt(0)).name()).put(row.getInt(1), ordinals);
                });
        return found;
    }

    private Dataset<Row> places(List<CorpusPlan> plans) {
        var scans = new ArrayList<UnitScan>();
        var scopes = new TreeSet<Integer>();
        IntStream.range(0, plans.size()).forEach(corpus -> {
            int scope = within == Within.RUN ? 0 : corpus;
            scopes.add(scope);
            plans.get(corpus).units().forEach(unit -> scans.add(new UnitScan(scope, corpus, unit)));
        });
        var hadoop =
                new SerializableConfiguration(warehouse.spark().sparkContext().hadoopConfiguration());
        Normalization form = normalization;
        JavaRDD<Row> hashes = warehouse
                .context()
                .parallelize(scans, scans.size())
                .flatMap(item -> {
                    PartHash hash = item.unit.hash();
                    return new Hashes(item, form, item.unit.open(hadoop.value(), hash), hash);
                });
        Dataset<Row> places = warehouse.spark().createDataFrame(hashes, PLACES);
        for (int scope : scopes) {
            for (String name : against) {
                places = places.union(warehouse
                        .rows(UncurlTable.DOCUMENTS, "corpus", name)
                        .selectExpr(scope + " AS scope", "content_hash AS hash", "-1", "-1", "source_offset"));
            }
        }
        return places;
    }

    /** Positions and hashes of the documents and examples of a unit. */
    private static final class Hashes implements java.util.Iterator<Row> {
        private final UnitScan scan;
        private final Normalization normalization;
        private final CorpusReader reader;
        private final PartHash hash;
        private long ordinal;
        private Row upcoming;
        private boolean ended;

        Hashes(UnitScan scan, Normalization normalization, CorpusReader reader, PartHash hash) {
            this.scan = scan;
            this.normalization = normalization;
            this.reader = reader;
            this.hash = hash;
        }

        @Override
        public boolean hasNext() {
            while (upcoming == null && reader.hasNext()) {
                String text = text(reader.next(), normalization);
                if (text != null) {
                    upcoming = RowFactory.create(
                            scan.scope, ContentHash.of(text).hex(), scan.corpus, scan.unit.number(), ordinal);
                }
                ordinal++;
            }
            if (upcoming == null && !ended) {
                ended = true;
                hash.require(scan.unit.sha256());
                reader.close();
            }
            return upcoming != null;
        }

        @Override
        public Row next() {
            if (!hasNext()) {
                throw new java.util.NoSuchElementException();
            }
            Row row = upcoming;
            upcoming = null;
            return row;
        }
    }

    /** Returns the text that is compared: for documents the normalised text; null for a rejection. */
    private static String text(Outcome outcome, Normalization normalization) {
        if (outcome instanceof Document document) {
            return normalization.apply(document.text());
        }
        return outcome instanceof Example example ? example.inputs() + example.targets() : null;
    }
}
