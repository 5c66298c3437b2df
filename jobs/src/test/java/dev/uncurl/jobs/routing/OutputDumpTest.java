package dev.uncurl.jobs.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.WeightArray;
import dev.uncurl.jobs.tokenize.TokenizeFixture;
import dev.uncurl.jobs.warehouse.CorpusRun;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.SmoeLanguageModel;
import dev.uncurl.model.TokenBatch;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.factory.Nd4j;

@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OutputDumpTest {
    private static final String TASK = "superglue/copa";
    private static final int EXPERTS = 5;
    private static final long SAMPLE = 700;

    private Cli cli;
    private Warehouse warehouse;

    @BeforeAll
    void dumpOnce(@TempDir Path folder) {
        cli = new Cli(folder.resolve("warehouse"));
        warehouse = TokenizeFixture.warehouse(cli.folder());
        RoutingFixture.model(warehouse, "five", RoutingFixture.config(EXPERTS, 2), 1);
        RoutingFixture.task(warehouse, TASK, 150, 3);
        assertThat(dump()).contains("all 5 experts of 2 layers").contains("Compared the outputs");
    }

    private String dump() {
        return cli.succeed("dump-logits --model five --task " + TASK + " --tokens " + SAMPLE + " --outputs " + SAMPLE);
    }

    private List<Row> rows() {
        return warehouse
                .rows(UncurlTable.OUTPUT_GRAM, "model_id", "five", "task", TASK)
                .orderBy("layer")
                .collectAsList();
    }

    private RoutingKey key(ModelFolder model) {
        return RoutingKey.of("five", model, TASK, "train", CorpusRun.ofTask(warehouse, TASK), SAMPLE);
    }

    private DumpSequences inputs() {
        return DumpSequences.of(warehouse, TASK, "train", RoutingFixture.CONTEXT, RoutingFixture.CONTEXT, SAMPLE);
    }

    /** The sequences of the sample that the logits are of, each by itself through the model, without Spark and batches. */
    @Test
    void distancesAreThoseOfMeanOutputsOnTheSequencesThatTokensSamples() throws IOException {
        var sequences = new TreeMap<Long, List<Integer>>();
        for (Row row : warehouse
                .rows(UncurlTable.LOGITS, "model_id", "five", "task", TASK, "layer", 1)
                .orderBy("sequence_id", "position")
                .collectAsList()) {
            sequences
                    .computeIfAbsent(row.getAs("sequence_id"), id -> new ArrayList<>())
                    .add(row.getAs("token_id"));
        }
        long tokens = sequences.values().stream().mapToLong(List::size).sum();
        ModelFolder model = new Models(warehouse).open("five");
        int width = model.config().width();
        var means = new TreeMap<Integer, double[][]>();
        var parameters = Nd4j.createFromArray(WeightArray.of(model));
        try (var language = SmoeLanguageModel.forScoring(model.config(), parameters, RoutingFixture.CONTEXT)) {
            for (List<Integer> sequence : sequences.values()) {
                int[] ids = sequence.stream().mapToInt(Integer::intValue).toArray();
                language.forward(TokenBatch.ofSequences(List.of(ids)), (layer, expert, sum) -> {
                    double[] mean = means.computeIfAbsent(layer, l -> new double[EXPERTS][width])[expert];
                    for (int i = 0; i < width; i++) {
                        mean[i] += sum[i] / tokens;
                    }
                });
            }
        }
        assertThat(rows()).hasSize(2);
        for (Row row : rows()) {
            assertThat(row.<Long>getAs("tokens")).isEqualTo(tokens).isBetween(SAMPLE, SAMPLE + RoutingFixture.CONTEXT);
            assertThat(row.<Long>getAs("sequences")).isEqualTo(sequences.size());
            assertThat(row.<String>getAs("sample")).isEqualTo(Long.toString(SAMPLE));
            double[][] mean = means.get(row.<Integer>getAs("layer"));
            List<Double> gram = row.getList(row.fieldIndex("gram"));
            for (int i = 0; i < EXPERTS; i++) {
                for (int j = 0; j < EXPERTS; j++) {
                    double product = 0;
                    double size = 0;
                    for (int d = 0; d < width; d++) {
                        product += mean[i][d] * mean[j][d];
                        size += Math.abs(mean[i][d] * mean[j][d]);
                    }
                    assertThat(gram.get(i * EXPERTS + j)).isCloseTo(product, within(1e-4 * size));
                    assertThat(size).isPositive();
                }
            }
        }
    }

    @Test
    void theBitsAreTheSameForAnyNumberOfTasks() {
        ModelFolder model = new Models(warehouse).open("five");
        String expected = rows().toString();
        for (int tasks : new int[] {1, 2, 7}) {
            var sums = new OutputDump(warehouse, tasks).sum(model, inputs());
            new RoutingTables(warehouse).writeOutputs(key(model), sums);
            assertThat(rows().toString()).isEqualTo(expected);
        }
    }

    @Test
    void whatIsThereIsReusedWhatIsMissingIsMadeAgainAndAnotherSampleReplaces() {
        String expected = rows().toString();
        assertThat(dump()).contains("Outputs of the experts of five").contains("reused");
        assertThat(rows().toString()).isEqualTo(expected);
        // killed before its commit
        warehouse.spark().sql("DELETE FROM routing.output_gram WHERE model_id = 'five'");
        assertThat(dump()).contains("Router logits of five").contains("reused").contains("Compared the outputs");
        assertThat(rows().toString()).isEqualTo(expected);
        String other = cli.succeed("dump-logits --model five --task " + TASK + " --tokens 700 --outputs 300");
        assertThat(other).contains("Compared the outputs");
        assertThat(rows()).hasSize(2).allMatch(row -> "300".equals(row.getAs("sample")));
        assertThat(dump()).contains("Compared the outputs");
        assertThat(rows().toString()).isEqualTo(expected);
        assertThat(cli.run("dump-logits", "--model", "five", "--task", TASK, "--outputs", "-1")
                        .code())
                .isEqualTo(2);
    }
}
