package dev.uncurl.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.model.spec.MoeLayer;
import dev.uncurl.model.spec.ParameterLayout;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;

class TokenAssignmentsTest {
    /** Against a map from expert to gate for each token. */
    @Property(tries = 300)
    void aTokensChoicesOfOneExpertAreOneAssignmentWithTheSumOfTheirGates(
            @ForAll long seed, @ForAll @IntRange(min = 1, max = 5) int experts) {
        var random = new Random(seed);
        int rows = experts + random.nextInt(4);
        List<Integer> map =
                IntStream.range(0, rows).map(row -> row % experts).boxed().toList();
        int choices = 1 + random.nextInt(rows);
        int tokens = 6;
        var layer = new MoeLayer(experts, map);
        var config = Models.config(Math.max(rows, 1), choices, false).withMoeLayers(new TreeMap<>(Map.of(1, layer)));
        var router = new Router(null, config.moe(), 1, null, tokens);
        for (int token = 0; token < tokens; token++) {
            int[] order = IntStream.range(0, rows).toArray();
            for (int choice = 0; choice < choices; choice++) {
                int other = choice + random.nextInt(rows - choice);
                int row = order[other];
                order[other] = order[choice];
                order[choice] = row;
                router.chosen[token * choices + choice] = token == 2 ? -1 : row;
                router.gates[token * choices + choice] = token == 2 ? 0 : random.nextDouble();
            }
        }
        var assignments = new TokenAssignments(router, layer, choices, tokens);
        assignments.take(tokens);
        for (int token = 0; token < tokens; token++) {
            var expected = new HashMap<Integer, Double>();
            var found = new HashMap<Integer, Double>();
            for (int choice = 0; choice < choices; choice++) {
                int at = token * choices + choice;
                int row = router.chosen[at];
                if (row >= 0) {
                    expected.merge(map.get(row), router.gates[at], Double::sum);
                    int carrier = token * choices + assignments.carrier(token, choice);
                    assertThat(carrier).isLessThanOrEqualTo(at);
                    assertThat(assignments.expert[carrier]).isEqualTo(map.get(row));
                }
                if (assignments.expert[at] >= 0) {
                    assertThat(found.put(assignments.expert[at], assignments.gate[at]))
                            .isNull();
                }
            }
            assertThat(found).isEqualTo(expected);
        }
    }

    /** What a mapped block shows is what it showed before its experts were merged: rows, with the gates of their own. */
    @Test
    void theRoutingOfAMappedBlockIsToldByRouterRow() {
        var plain = Models.config(5, 2, false);
        var config = Models.mapped(2, false, 0);
        double[] parameters = Models.parameters(config, 3);
        double[] before = Models.parameters(plain, 4);
        var batch = Models.batch(4, 9, 5);
        int[] expertOfRow = config.moe().layer(1).expertOfRow();
        for (var tensor : ParameterLayout.of(plain).tensors()) {
            String name = tensor.name();
            for (int row = 0; row < 5; row++) {
                String own = ParameterLayout.expert(1, row);
                name = name.startsWith(own)
                        ? ParameterLayout.expert(1, expertOfRow[row])
                                + tensor.name().substring(own.length())
                        : name;
            }
            int there = (int) ParameterLayout.of(config).tensor(name).offset();
            System.arraycopy(parameters, there, before, (int) tensor.offset(), (int) tensor.length());
        }
        try (var mapped = SmoeLanguageModel.forScoring(config, Models.array(parameters, DataType.FLOAT), 80);
                var unmapped = SmoeLanguageModel.forScoring(plain, Models.array(before, DataType.FLOAT), 80)) {
            assertThat(mapped.forward(batch).total())
                    .isCloseTo(unmapped.forward(batch).total(), within(1e-5));
            RoutingView view = mapped.routing(1);
            RoutingView expected = unmapped.routing(1);
            assertThat(view.experts()).isEqualTo(5);
            assertThat(view.topK()).isEqualTo(2);
            assertThat(view.expertTokens()).isEqualTo(expected.expertTokens());
            assertThat(view.droppedAssignments()).isZero();
            for (int token = 0; token < batch.size(); token++) {
                for (int choice = 0; choice < 2; choice++) {
                    assertThat(view.expert(token, choice)).isEqualTo(expected.expert(token, choice));
                    assertThat(view.gate(token, choice)).isCloseTo(expected.gate(token, choice), within(1e-6f));
                    assertThat(view.dropped(token, choice)).isFalse();
                    assertThat(view.outputNorm(token, choice))
                            .isCloseTo(expected.outputNorm(token, choice), within(1e-5f));
                }
                for (int row = 0; row < 5; row++) {
                    assertThat(view.logit(token, row)).isEqualTo(expected.logit(token, row));
                }
            }
            assertThat(outputs(mapped, batch)).isDeepEqualTo(outputs(unmapped, batch));
        }
    }

    private static double[][] outputs(SmoeLanguageModel model, TokenBatch batch) {
        double[][] outputs = new double[5][];
        model.forward(batch, (layer, expert, sum) -> outputs[expert] = sum);
        assertThat(Arrays.stream(outputs)).doesNotContainNull();
        return outputs;
    }

    @Test
    void activeParametersAreThoseOfTheExpertsThatATokenCanReach() {
        long perExpert = 2L * 12 * 20 + 20 + 12;
        for (int topK = 1; topK <= 5; topK++) {
            var config = Models.byLayer(topK, false, 0, new MoeLayer(2, List.of(0, 1, 1, 0, 1)), new MoeLayer(3));
            long idle = Math.max(0, 2 - topK) + Math.max(0, 3 - topK);
            assertThat(ParameterLayout.of(config).length() - ParameterLayout.activeParameters(config))
                    .isEqualTo(idle * perExpert);
        }
    }
}
