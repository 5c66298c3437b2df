package dev.uncurl.jobs.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.routing.RoutingFixture;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("slow")
class UnigramsTest {
    private static final int SEQUENCES = 40;

    /** Adds sequences to a corpus and returns them, by id. */
    private static List<int[]> sequences(Warehouse warehouse, String corpus, String split, Random random) {
        var rows = new ArrayList<Map<String, Object>>();
        var all = new ArrayList<int[]>();
        for (long id = 0; id < SEQUENCES; id++) {
            int[] tokens = RoutingFixture.tokens(random, 2 + random.nextInt(RoutingFixture.CONTEXT - 2));
            all.add(tokens);
            rows.add(Map.of("corpus", corpus, "split", split, "sequence_id", id, "tokens", tokens));
        }
        RoutingFixture.append(warehouse, UncurlTable.SEQUENCES, rows);
        return all;
    }

    @Test
    void theLossIsThatOfTheSharesOfTrainingTokensOfAllCorpora(@TempDir Path folder) {
        var cli = new Cli(folder.resolve("warehouse"));
        Warehouse warehouse = cli.open();
        RoutingFixture.model(warehouse, "base", RoutingFixture.config(3, 1), 1);
        var random = new Random(5);
        var training = new ArrayList<int[]>();
        var held = new ArrayList<int[]>();
        for (String corpus : List.of("a", "b")) {
            RoutingFixture.run(warehouse, corpus);
            training.addAll(sequences(warehouse, corpus, "train", random));
            held.addAll(sequences(warehouse, corpus, "validation", random));
        }
        cli.succeed("evaluate --model base --task a+b");

        double[] counts = new double[900];
        double total = 900;
        for (int[] sequence : training) {
            for (int token : sequence) {
                counts[token]++;
                total++;
            }
        }
        double loss = 0;
        long tokens = 0;
        for (int[] sequence : held) {
            for (int i = 1; i < sequence.length; i++) {
                loss -= Math.log((counts[sequence[i]] + 1) / total);
                tokens++;
            }
        }
        Row row = warehouse
                .rows(UncurlTable.RESULTS, "model_id", "base", "metric", "unigram_loss_per_token")
                .first();
        assertThat(row.<Long>getAs("n")).isEqualTo(tokens);
        assertThat(row.<Double>getAs("value")).isCloseTo(loss / tokens, within(1e-12));
    }
}
