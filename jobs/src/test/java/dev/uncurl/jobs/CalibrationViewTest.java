package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.jobs.routing.RoutingFixture;
import dev.uncurl.jobs.tokenize.TokenizeFixture;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.apache.commons.math3.stat.correlation.SpearmansCorrelation;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The view calibration against plain loops over the rows of routing.logits. */
@Tag("slow")
class CalibrationViewTest {
    private static final int EXPERTS = 6;
    private static final int SEQUENCES = 11;

    /** Scores of the experts of a layer from the first sequences. */
    private static double[] scores(List<Row> tokens, String method, long layer, List<Long> first) {
        double[] choices = new double[EXPERTS];
        double[] mass = new double[EXPERTS];
        double[] added = new double[EXPERTS];
        for (Row token : tokens) {
            if (token.<Integer>getAs("layer") == layer && first.contains(token.<Long>getAs("sequence_id"))) {
                List<Integer> experts = token.getList(token.fieldIndex("experts"));
                for (int i = 0; i < experts.size(); i++) {
                    double gate =
                            token.<Float>getList(token.fieldIndex("gates")).get(i);
                    double norm = token.<Float>getList(token.fieldIndex("output_norms"))
                            .get(i);
                    choices[experts.get(i)]++;
                    mass[experts.get(i)] += gate;
                    added[experts.get(i)] += gate * norm;
                }
            }
        }
        return switch (method) {
            case "frequency" -> choices;
            case "gate-mass" -> mass;
            default -> IntStream.range(0, EXPERTS)
                    .mapToDouble(e -> choices[e] > 0 ? added[e] / choices[e] : 0)
                    .toArray();
        };
    }

    private static Set<Integer> kept(double[] scores, int k) {
        var experts = new ArrayList<Integer>(IntStream.range(0, EXPERTS).boxed().toList());
        experts.sort((one, other) -> Double.compare(scores[other], scores[one])); // stable: the lower id first
        return new HashSet<>(experts.subList(0, k));
    }

    @Test
    void whatIsKeptFromAPrefixIsComparedWithWhatIsKeptFromAll(@TempDir Path folder) {
        Warehouse warehouse = TokenizeFixture.warehouse(folder);
        RoutingFixture.model(warehouse, "base", RoutingFixture.config(EXPERTS, 2), 5);
        RoutingFixture.task(warehouse, "superglue/copa", SEQUENCES, 22);
        RoutingFixture.dump(warehouse, "base", "superglue/copa", 0);
        List<Row> tokens = warehouse.table(UncurlTable.LOGITS).collectAsList();
        List<Long> sequences = tokens.stream()
                .map(row -> row.<Long>getAs("sequence_id"))
                .distinct()
                .sorted()
                .toList();
        int n = sequences.size();
        List<Row> rows = warehouse.sql("SELECT * FROM calibration").collectAsList();
        List<Integer> prefixes = IntStream.rangeClosed(0, 10)
                .map(i -> Math.min(1 << i, n))
                .distinct()
                .boxed()
                .toList();
        List<Integer> ks = List.of(3, 1); // of six: a half, a quarter
        assertThat(rows).hasSize(2 * 3 * ks.size() * prefixes.size());
        for (Row row : rows) {
            int layer = row.<Integer>getAs("layer");
            String method = row.getAs("method");
            int k = row.<Integer>getAs("experts_after");
            List<Long> first = sequences.subList(0, (int) (long) row.<Long>getAs("sequences"));
            assertThat(prefixes).contains(first.size());
            assertThat(ks).contains(k);
            assertThat(row.<Long>getAs("tokens"))
                    .isEqualTo(tokens.stream()
                            .filter(token -> token.<Integer>getAs("layer") == layer
                                    && first.contains(token.<Long>getAs("sequence_id")))
                            .count());
            double[] some = scores(tokens, method, layer, first);
            double[] all = scores(tokens, method, layer, sequences);
            Set<Integer> both = kept(some, k);
            both.retainAll(kept(all, k));
            Set<Integer> either = kept(some, k);
            either.addAll(kept(all, k));
            assertThat(row.<Double>getAs("jaccard"))
                    .as(row.toString())
                    .isCloseTo(both.size() / (double) either.size(), within(1e-12));
            assertThat(row.<Double>getAs("rank_correlation"))
                    .as(row.toString())
                    .isCloseTo(new SpearmansCorrelation().correlation(some, all), within(1e-9));
        }
    }
}
