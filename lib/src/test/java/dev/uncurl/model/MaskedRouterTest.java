package dev.uncurl.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeLayer;
import dev.uncurl.model.spec.ParameterLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;

/** Routers some of whose rows are never chosen. */
class MaskedRouterTest {
    private static final int ROWS = 6;
    private static final TokenBatch ONE_TOKEN = new TokenBatch(new int[] {4}, new int[] {7}, 1, 1);

    /** Beside ordinary ones: both zeros, ties, and some so far apart that a probability of the lower one is 0. */
    private static final double[] LOGITS = {0.0, -0.0, 0.0, 1.5, 1.5, -1.5, -1.5, -3, 20, -20, 1000, -1000, 1e-40};

    private static ModelConfig masked(int topK, boolean renormalize, boolean[] live) {
        var map = new ArrayList<Integer>();
        int experts = 0;
        for (boolean one : live) {
            map.add(one ? experts++ : MoeLayer.MASKED);
        }
        return Models.config(live.length, topK, renormalize)
                .withMoeLayers(new TreeMap<>(Map.of(1, new MoeLayer(experts, map))));
    }

    private static ModelConfig plain(int topK, boolean renormalize) {
        return Models.config(ROWS, topK, renormalize);
    }

    /** A model whose second block gives every token these logits: its input to the router is (1, 0, 0, ...). */
    private static double[] parameters(ModelConfig config, double[] logits) {
        double[] values = Models.parameters(config, 1);
        var layout = ParameterLayout.of(config);
        for (String suffix : List.of("weight", "bias")) {
            var norm = layout.tensor("h.1.ln_2." + suffix);
            Arrays.fill(values, (int) norm.offset(), (int) (norm.offset() + norm.length()), 0);
        }
        values[(int) layout.tensor("h.1.ln_2.bias").offset()] = 1;
        for (int row = 0; row < logits.length; row++) {
            values[(int) layout.tensor(ParameterLayout.router(1)).offset() + row * config.width()] = logits[row];
        }
        return values;
    }

    private static SmoeLanguageModel scorer(ModelConfig config, double[] parameters) {
        return SmoeLanguageModel.forScoring(config, Models.array(parameters, DataType.FLOAT), 80);
    }

    private static double[] softmax(double[] logits) {
        double most = Arrays.stream(logits).max().orElseThrow();
        double sum = Arrays.stream(logits).map(l -> Math.exp(l - most)).sum();
        return Arrays.stream(logits).map(l -> Math.exp(l - most) / sum).toArray();
    }

    @Property(tries = 400)
    void theBestRowsThatAreNotMaskedAreChosenWithTheirGatesOfAllRows(
            @ForAll long seed, @ForAll @IntRange(min = 1, max = ROWS) int topK, @ForAll boolean renormalize) {
        var random = new Random(seed);
        boolean[] live = new boolean[ROWS];
        double[] logits = new double[ROWS];
        for (int row = 0; row < ROWS; row++) {
            live[row] = random.nextInt(3) > 0;
            logits[row] = (float) LOGITS[random.nextInt(LOGITS.length)];
        }
        live[random.nextInt(ROWS)] = true;
        int[] expected = IntStream.range(0, ROWS)
                .filter(row -> live[row])
                .boxed()
                .sorted((a, b) -> logits[a] != logits[b] ? Double.compare(logits[b], logits[a]) : a - b)
                .limit(topK)
                .mapToInt(Integer::intValue)
                .toArray();
        double[] all = softmax(logits);
        double[] among =
                softmax(Arrays.stream(expected).mapToDouble(row -> logits[row]).toArray());
        var config = masked(topK, renormalize, live);
        try (var model = scorer(config, parameters(config, logits))) {
            assertThat(model.forward(ONE_TOKEN).total()).isFinite();
            RoutingView view = model.routing(1);
            assertThat(view.topK()).isEqualTo(expected.length);
            for (int choice = 0; choice < expected.length; choice++) {
                assertThat(view.expert(0, choice)).isEqualTo(expected[choice]);
                double gate = renormalize && topK > 1 ? among[choice] : all[expected[choice]];
                assertThat((double) view.gate(0, choice)).isCloseTo(gate, within(1e-6));
                assertThat(view.outputNorm(0, choice)).isPositive();
            }
            for (int row = 0; row < ROWS; row++) {
                assertThat(view.logit(0, row)).isEqualTo((float) logits[row]);
            }
        }
        double[] values = parameters(config, logits);
        assertThat(Models.train(config, values, ONE_TOKEN).gradients()).doesNotContain(Double.NaN);
    }

    @Tag("slow")
    @ParameterizedTest
    @CsvSource({"1, false", "2, false", "2, true", "4, true"})
    void aTokenWhoseChoicesWereAllKeptIsRoutedAsBeforeToTheBit(int topK, boolean renormalize) {
        var parent = plain(topK, renormalize);
        double[] source = Models.parameters(parent, 3);
        var batch = Models.batch(8, 9, 4);
        boolean[] live = {true, false, false, true, true, true};
        var config = masked(topK, renormalize, live);
        int same = 0;
        int others = 0;
        try (var before = scorer(parent, source);
                var after = scorer(config, Models.kept(parent, source, config))) {
            before.forward(batch);
            after.forward(batch);
            RoutingView then = before.routing(1);
            RoutingView now = after.routing(1);
            for (int token = 0; token < batch.size(); token++) {
                if (batch.tokens()[token] < 0) {
                    continue;
                }
                int at = token;
                boolean kept = IntStream.range(0, topK).allMatch(choice -> live[then.expert(at, choice)]);
                same += kept ? 1 : 0;
                others += kept ? 0 : 1;
                for (int choice = 0; choice < topK && kept; choice++) {
                    assertThat(now.expert(token, choice)).isEqualTo(then.expert(token, choice));
                    assertThat(now.gate(token, choice)).isEqualTo(then.gate(token, choice));
                }
            }
            assertThat(after.expertTokens(1)[1] + after.expertTokens(1)[2]).isZero();
        }
        assertThat(same).isPositive();
        assertThat(others).isPositive();
    }

    @Test
    void maskingExpertsThatNoTokenChoseChangesNoBit() {
        var parent = plain(1, false);
        double[] source = Models.parameters(parent, 3);
        var batch = Models.batch(8, 9, 4);
        try (var before = scorer(parent, source)) {
            Loss loss = before.forward(batch);
            int[] counts = before.expertTokens(1);
            boolean[] live = new boolean[ROWS];
            for (int row = 0; row < ROWS; row++) {
                live[row] = counts[row] > 0;
            }
            var config = masked(1, false, live);
            assertThat(config.moe().layer(1).isMasked()).isTrue();
            try (var after = scorer(config, Models.kept(parent, source, config))) {
                assertThat(after.forward(batch).crossEntropy()).isEqualTo(loss.crossEntropy());
                assertThat(after.targetLogProbabilities()).isEqualTo(before.targetLogProbabilities());
                assertThat(after.expertTokens(1)).isEqualTo(counts);
            }
        }
    }

    /** The difference between the two rules is the softmax, and so the scale of the gates. */
    @Test
    void slicingTheDroppedRowsChoosesTheSameWithGatesThatAreScaledUp() {
        boolean[] live = {true, true, false, true, false, true};
        var config = masked(2, false, live);
        double[] values = Models.parameters(config, 3);
        var sliced = Models.config(4, 2, false);
        double[] cut = new double[(int) ParameterLayout.of(sliced).length()];
        for (var tensor : ParameterLayout.of(sliced).tensors()) {
            int from = (int) ParameterLayout.of(config).tensor(tensor.name()).offset();
            System.arraycopy(values, from, cut, (int) tensor.offset(), (int) tensor.length());
        }
        int from = (int)
                ParameterLayout.of(config).tensor(ParameterLayout.router(1)).offset();
        int to = (int)
                ParameterLayout.of(sliced).tensor(ParameterLayout.router(1)).offset();
        int[] rows = {0, 1, 3, 5};
        for (int row = 0; row < rows.length; row++) {
            System.arraycopy(values, from + rows[row] * 12, cut, to + row * 12, 12);
        }
        var batch = Models.batch(4, 9, 4);
        try (var masking = scorer(config, values);
                var slicing = scorer(sliced, cut)) {
            masking.forward(batch);
            slicing.forward(batch);
            RoutingView mask = masking.routing(1);
            RoutingView slice = slicing.routing(1);
            for (int token = 0; token < batch.size(); token++) {
                double[] all = softmax(logits(mask, token));
                double dropped = all[2] + all[4];
                for (int choice = 0; choice < 2 && batch.tokens()[token] >= 0; choice++) {
                    assertThat(rows[slice.expert(token, choice)]).isEqualTo(mask.expert(token, choice));
                    assertThat((double) slice.gate(token, choice))
                            .isCloseTo(mask.gate(token, choice) / (1 - dropped), within(1e-5));
                }
            }
        }
    }

    private static double[] logits(RoutingView view, int token) {
        return IntStream.range(0, view.experts())
                .mapToDouble(row -> view.logit(token, row))
                .toArray();
    }

    /** What is masked cannot be balanced: were it counted, the loss could be lowered by leaving the kept experts. */
    @Test
    void theBalanceLossIsThatOfTheLiveRowsAmongThemselves() {
        boolean[] live = {true, false, true, false, true, true};
        var config = masked(1, false, live);
        for (double masked : new double[] {-50, 0, 50}) {
            double[] logits = {1, masked, 1, masked, 1, 1};
            try (var model = scorer(config, parameters(config, logits))) {
                assertThat(model.forward(ONE_TOKEN).balance()).isCloseTo(1, within(1e-9));
            }
        }
    }
}
