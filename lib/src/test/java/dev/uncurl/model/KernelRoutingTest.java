package dev.uncurl.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.error.UserError;
import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.kernel.device.CompilerForTests;
import dev.uncurl.kernel.device.DeviceKernels;
import dev.uncurl.kernel.device.StandIn;
import dev.uncurl.kernel.vector.VectorKernels;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.model.spec.MoeLayer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Routing on an emulated device against routing on the host, on the same logits: the router's weights are the identity. Many logits
 * are equal, so that ties are.
 */
@Tag("slow")
class KernelRoutingTest {
    @BeforeAll
    static void needsACompiler() {
        CompilerForTests.require();
    }

    /**
     * @param map experts of the router's rows
     * @param rows of the batch, each of {@code columns} tokens, of which the last {@code padding} are none
     * @param capacity of an expert
     * @param rank of two, of which both have the same choices
     */
    record Case(
            List<Integer> map,
            int topK,
            boolean renormalize,
            int rows,
            int columns,
            int padding,
            int capacity,
            int rank) {
        int tokens() {
            return rows * columns;
        }

        MoeConfig moe() {
            int experts = map.stream().mapToInt(Integer::intValue).max().orElseThrow() + 1;
            var layer = new MoeLayer(experts, map);
            return new MoeConfig(experts, topK, 2, renormalize, 0.03, 0.02, 0, new TreeMap<>(Map.of(1, layer)));
        }
    }

    static Stream<Case> cases() {
        List<Integer> eight = IntStream.range(0, 8).boxed().toList();
        int all = Integer.MAX_VALUE;
        return Stream.of(
                new Case(List.of(0), 1, false, 1, 1, 0, all, 0),
                new Case(eight, 1, false, 1, 128, 0, all, 0),
                new Case(eight, 1, false, 3, 43, 5, 7, 0),
                new Case(eight, 2, true, 5, 60, 11, 33, 1),
                new Case(eight, 3, false, 1, 257, 0, 100, 1),
                new Case(eight, 2, true, 1, 5, 0, 0, 0),
                new Case(eight, 1, false, 2, 2, 2, all, 0),
                new Case(List.of(0, 1, 1, 0, 2), 3, true, 1, 131, 4, 60, 0),
                new Case(List.of(0, 1, 1, 0, 2), 2, false, 1, 131, 0, all, 0),
                new Case(List.of(1, -1, 0, -1, 1), 2, true, 7, 20, 0, 50, 0),
                new Case(List.of(-2, 0, -2, 1, -2), 2, true, 7, 20, 6, 30, 1),
                new Case(List.of(-2, 0, -2, 1, -2), 1, false, 1, 33, 0, all, 0));
    }

    /** Everything that a batch's routing gives, in order. */
    private static List<double[]> route(Kernels kernels, Case c) {
        MoeConfig moe = c.moe();
        int rows = c.map().size();
        int wide = rows + 3;
        var random = new Random(7);
        try (var given = new Matrices(kernels)) {
            double[] identity = new double[rows * wide];
            IntStream.range(0, rows).forEach(row -> identity[row * wide + row] = 1);
            Matrix weight = given.matrix(rows, wide, identity);
            Matrix gradient = given.matrix(rows, wide, identity);
            double[] values = new double[c.tokens() * wide];
            Arrays.setAll(values, i -> i % wide < rows ? random.nextInt(4) * 0.75 : random.nextGaussian());
            for (int i = 0; i < values.length && c.tokens() > 100; i += 40 * wide) {
                for (int row = 0; row < rows; row++) { // the probabilities of all rows that lead to an expert vanish
                    values[i + row] += c.map().get(row) == MoeLayer.MASKED ? 4000 : 0;
                }
            }
            Matrix x = given.matrix(c.tokens(), wide, values);
            int[] ids = new int[c.tokens()];
            Arrays.setAll(ids, i -> i % c.columns() >= c.columns() - c.padding() ? -1 : i % 5);
            int[] targets = new int[c.tokens()];
            Arrays.fill(targets, -1);
            var batch = new TokenBatch(ids, targets, c.rows(), c.columns());
            var clock = new PartClock();
            clock.start();
            var parameter = new Parameter(weight, gradient);
            try (var routing = routing(kernels, c, parameter, clock)) {
                return answers(routing, c, moe, batch, x, parameter, given, random);
            }
        }
    }

    private static BlockRouting routing(Kernels kernels, Case c, Parameter parameter, PartClock clock) {
        BlockRouting onDevice = KernelRouting.of(kernels, c.moe(), 1, parameter, 2 * c.tokens(), clock);
        return onDevice != null
                ? onDevice
                : new HostRouting(kernels, c.moe(), 1, parameter, 2 * c.tokens(), true, clock);
    }

    private static List<double[]> answers(
            BlockRouting routing,
            Case c,
            MoeConfig moe,
            TokenBatch batch,
            Matrix x,
            Parameter weight,
            Matrices given,
            Random random) {
        var answers = new ArrayList<double[]>();
        int tokens = c.tokens();
        int choices = moe.choices(1);
        int statistics = routing.losses().size();
        double[] own = new double[statistics + choices * moe.layer(1).experts()];
        Matrix scratch = given.matrix(tokens, c.map().size(), null);
        routing.choose(batch, x, scratch, own);
        answers.add(own.clone());
        routing.losses().take(new double[][] {own, own});
        double[] counts = Arrays.copyOfRange(own, statistics, own.length);
        routing.sort(tokens, c.capacity(), new double[][] {counts, counts}, c.rank());
        int[] start = routing.dispatch().start;
        answers.add(Arrays.stream(start).asDoubleStream().toArray());
        answers.add(Arrays.stream(routing.counts()).asDoubleStream().toArray());
        int slots = routing.dispatch().size();
        int width = x.columns();
        Matrix dispatched = given.matrix(slots, width, null);
        routing.dispatch(x, dispatched);
        answers.add(given.read(dispatched));
        Matrix output = given.matrix(tokens, width, null);
        routing.combine(x, dispatched, output);
        answers.add(given.read(output));
        for (int token = 0; token < tokens; token++) {
            for (int choice = 0; choice < choices; choice++) {
                int slot = routing.slot(token, choice);
                answers.add(new double[] {
                    routing.row(token, choice),
                    routing.gate(token, choice),
                    slot,
                    slot < 0 ? 0 : routing.squaredNorm(slot),
                    routing.logit(token, token % c.map().size())
                });
            }
        }
        double[] gradient = random.doubles((long) tokens * width).toArray();
        Matrix dOutput = given.matrix(tokens, width, gradient);
        Matrix dRows = given.matrix(slots, width, null);
        routing.backwardCombine(dOutput, dispatched, dRows);
        answers.add(given.read(dRows));
        Matrix dx = given.matrix(tokens, width, null);
        routing.backwardDispatch(dRows, dx);
        answers.add(given.read(dx));
        routing.backwardChoose(x, scratch, dx);
        answers.add(given.read(dx));
        answers.add(given.read(weight.gradient()));
        return answers;
    }

    /** Whether all values are the same to 1e-5, and those without a fraction, such as rows and slots, exactly. */
    private static void requireSame(List<double[]> actual, List<double[]> expected) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < expected.size(); i++) {
            assertThat(actual.get(i)).as("answer %d", i).hasSameSizeAs(expected.get(i));
            for (int j = 0; j < expected.get(i).length; j++) {
                double value = expected.get(i)[j];
                assertThat(actual.get(i)[j])
                        .as("answer %d, value %d", i, j)
                        .isCloseTo(value, within(1e-5 * Math.max(1, Math.abs(value))));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void theDeviceRoutesAsTheHostDoes(Case c) {
        List<double[]> expected;
        try (var kernels = new VectorKernels()) {
            expected = route(kernels, c);
        }
        try (var device = StandIn.open();
                var kernels = new DeviceKernels(device)) {
            List<double[]> actual = route(kernels, c);
            requireSame(actual, expected);
            StandIn.threads(64, true);
            assertThat(route(kernels, c))
                    .as("the last warp first")
                    .usingRecursiveComparison()
                    .isEqualTo(actual);
        }
        assertThat(StandIn.blocks()).as("blocks of memory").isZero();
    }

    /** Tests of the test. */
    @ParameterizedTest(name = "{0} -> {1}")
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    x[r] > x[best] | x[r] >= x[best]
                    open = open && mine[taken] != r; |
                    bool open = expertOfRow[r] != MASKED; | bool open = true;
                    share[c] /= mass; |
                    mass < LEAST_NORMAL | mass < 0
                    other < token; | other <= token;
                    slot += rank < most ? rank : most; | slot += rank;
                    stays = choice == c ? rank < most : stays; | stays = true;
                    rank += assigned && carrier(of, expertOfRow, choice) == choice; | rank += assigned;
                    sum += assigned && carrier(of, expertOfRow, choice) == choice; | sum += assigned;
                    slope - inner + | slope +
                    share[c] * (dGate - mean) | share[c] * dGate
                    (slopes[r] - liveInner) | slopes[r]
                    int rank = earlier[choice * experts + expert]; | int rank = 0;
                    bool counted = real && expertOfRow[r] >= 0; | bool counted = real;
                    """)
    void aFaultIsDetected(String text, String replacement) {
        String source = StandIn.source();
        assertThat(source).contains(text);
        String faulty = source.replace(text, replacement == null ? "" : replacement);
        try (var device = StandIn.open(faulty);
                var kernels = new DeviceKernels(device);
                var host = new VectorKernels()) {
            assertThat(cases().anyMatch(c -> differs(kernels, host, c))).isTrue();
        }
    }

    private static boolean differs(Kernels device, Kernels host, Case c) {
        try {
            requireSame(route(device, c), route(host, c));
            return false;
        } catch (AssertionError | RuntimeException e) { // such as a slot that there is not
            return true;
        }
    }

    @Test
    void aLogitThatIsNotFiniteIsRefusedWithItsPlace() {
        try (var device = StandIn.open();
                var kernels = new DeviceKernels(device);
                var given = new Matrices(kernels)) {
            var moe = new MoeConfig(2, 1, 2, false, 0, 0);
            Matrix weight = given.matrix(2, 1, new double[] {1, Double.POSITIVE_INFINITY});
            try (var routing = KernelRouting.of(kernels, moe, 1, new Parameter(weight, null), 3, new PartClock())) {
                var batch = new TokenBatch(new int[] {5, 6, -1}, new int[] {-1, -1, -1}, 1, 3);
                Matrix x = given.matrix(3, 1, new double[] {1, 1, 1});
                assertThatThrownBy(() -> routing.choose(batch, x, null, new double[9]))
                        .isInstanceOf(UserError.class)
                        .hasMessageContaining(
                                "block 1 gives token 5 at row 0, column 0 the logit Infinity for expert 1");
            }
        }
    }

    /** Matrices in the memory of the kernels. */
    private record Matrices(Kernels kernels, List<FlatMemory> memories) implements AutoCloseable {
        Matrices(Kernels kernels) {
            this(kernels, new ArrayList<>());
        }

        /** @param values null: zeros */
        Matrix matrix(int rows, int columns, double[] values) {
            FlatMemory memory = kernels.allocate(DataType.FLOAT, (long) rows * columns);
            memories.add(memory);
            Matrix matrix = memory.matrix(0, rows, columns);
            if (values != null) {
                matrix.write(values);
            }
            return matrix;
        }

        double[] read(Matrix matrix) {
            double[] values = new double[matrix.rows() * matrix.columns()];
            matrix.read(values);
            return values;
        }

        @Override
        public void close() {
            memories.forEach(FlatMemory::close);
        }
    }
}
