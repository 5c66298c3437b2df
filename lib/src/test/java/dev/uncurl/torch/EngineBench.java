package dev.uncurl.torch;

import dev.uncurl.dl4j.SmoeNetwork;
import dev.uncurl.kernel.AdamW;
import dev.uncurl.kernel.KernelChoice;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.model.SmoeLanguageModel;
import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.WeightArrays;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/**
 * {@code mvn -Ppeer -pl lib -am test -Dtest=EngineBench -Dsurefire.failIfNoSpecifiedTests=false}: the speed of the engine
 * on random tokens, one thread and all, beside libtorch (left out without {@code -Ppeer}) in the same run, turn by turn.
 * {@code -Dbench.parts=step,vocabulary,experts,dl4j} chooses, {@code -Dbench.rounds=12} says how often each is timed.
 *
 * <p>Training steps are whole: forward, backward, clipping, AdamW; ours through Deeplearning4j's fit(). The median counts.
 */
final class EngineBench {
    private static final int THREADS = Runtime.getRuntime().availableProcessors();
    private static final int ROUNDS = Integer.getInteger("bench.rounds", 12);
    private static final int WARM_UP = 4;

    private static final ModelConfig BENCH = config(8192, 8);
    private static final ModelConfig GPT2_VOCABULARY = config(50_257, 8);

    private static ModelConfig config(int vocabulary, int experts) {
        return new ModelConfig(4, 256, 8, 1024, vocabulary, 256, new MoeConfig(experts, 1, 2, false, 0.01, 0.001, 0));
    }

    private interface Timed {
        void run() throws IOException;
    }

    /** Named so that only whoever asks for it by name runs it. */
    @Test
    void bench() throws IOException {
        main();
    }

    public static void main(String... arguments) throws IOException {
        List<String> parts = List.of(System.getProperty("bench.parts", "step,vocabulary,experts,dl4j")
                .split(","));
        System.out.printf(
                "%d cores, Java %s, libtorch %s%n%n",
                THREADS, System.getProperty("java.version"), TorchPeer.isPresent() ? "beside" : "left out");
        if (parts.contains("step")) {
            compare("preset bench, batch 8 x 256", BENCH, 8);
        }
        if (parts.contains("vocabulary")) {
            compare("GPT-2's vocabulary, batch 4 x 256", GPT2_VOCABULARY, 4);
        }
        if (parts.contains("experts")) {
            experts();
        }
        if (parts.contains("dl4j")) {
            deeplearning4j();
        }
    }

    /** One of our models with what it is trained on; its threads live as long as it. */
    private static final class Engine implements AutoCloseable {
        private final MultiLayerNetwork network;
        private final DataSet data;
        private final TokenBatch batch;

        Engine(ModelConfig config, int rows, int threads) {
            System.setProperty(KernelChoice.THREADS, Integer.toString(threads));
            network = SmoeNetwork.create(config, OPTIMIZER.updater(), 1);
            batch = batch(config, rows);
            data = SmoeNetwork.dataSet(batch);
            // the first batch makes the model and its threads
            train();
        }

        void train() {
            network.fit(data);
        }

        void score() {
            model().forward(batch);
        }

        SmoeLanguageModel model() {
            return SmoeNetwork.layer(network).model();
        }

        @Override
        public void close() {
            SmoeNetwork.layer(network).release();
            network.params().close();
            network.getGradientsViewArray().close();
            network.getUpdater().getStateViewArray().close();
        }
    }

    private static final TorchRequest.Optimizer OPTIMIZER = new TorchRequest.Optimizer(1000, 3e-4, 10, 0.1, 1.0);

    private static TokenBatch batch(ModelConfig config, int rows) {
        var random = new SplittableRandom(1);
        int length = rows * config.sequenceLength();
        return new TokenBatch(
                random.ints(length, 0, config.vocabulary()).toArray(),
                random.ints(length, 0, config.vocabulary()).toArray(),
                rows,
                config.sequenceLength());
    }

    private static void compare(String title, ModelConfig config, int rows) throws IOException {
        var steps = new LinkedHashMap<String, List<Double>>();
        var passes = new LinkedHashMap<String, List<Double>>();
        Map<String, Double> parts;
        try (var one = new Engine(config, rows, 1);
                var all = new Engine(config, rows, THREADS);
                var peer = TorchPeer.isPresent() ? TorchPeer.start(THREADS) : null) {
            if (peer != null) {
                peer.load(new TorchRequest(
                        config, WeightArrays.initial(config, 1), List.of(batch(config, rows)), OPTIMIZER));
            }
            for (int round = -WARM_UP; round < ROUNDS; round++) {
                boolean counts = round >= 0;
                if (!counts || round % 4 == 0) {
                    time(steps, "Uncurl, 1 thread", counts, one::train);
                    time(passes, "Uncurl, 1 thread", counts, one::score);
                }
                time(steps, "Uncurl, " + THREADS + " threads", counts, all::train);
                time(passes, "Uncurl, " + THREADS + " threads", counts, all::score);
                if (peer != null) {
                    add(steps, "libtorch, " + THREADS + " threads", counts, peer.train(1)[0]);
                    add(passes, "libtorch, " + THREADS + " threads", counts, peer.score(1)[0]);
                }
            }
            parts = parts(all, ROUNDS);
        }
        int tokens = rows * config.sequenceLength();
        print(title + ": training step", steps, tokens, 3 * forwardFlops(config, rows));
        print(title + ": forward only", passes, tokens, forwardFlops(config, rows));
        System.out.printf("parts of a step, ms: %s%n%n", shown(parts));
    }

    private static void time(Map<String, List<Double>> millis, String who, boolean counts, Timed timed)
            throws IOException {
        long start = System.nanoTime();
        timed.run();
        add(millis, who, counts, (System.nanoTime() - start) / 1e6);
    }

    private static void add(Map<String, List<Double>> millis, String who, boolean counts, double value) {
        if (counts) {
            millis.computeIfAbsent(who, key -> new ArrayList<>()).add(value);
        }
    }

    private static double median(List<Double> values) {
        double[] sorted =
                values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
    }

    /** Of the products alone, as is usual; attention's masked half counts as not computed. */
    private static double forwardFlops(ModelConfig config, int rows) {
        double tokens = (double) rows * config.sequenceLength();
        double width = config.width();
        double block = 4 * width * width + 2 * width * config.feedForward() + width * config.sequenceLength();
        return 2 * tokens * (config.layers() * block + width * config.vocabulary());
    }

    private static void print(String title, Map<String, List<Double>> millis, int tokens, double flops) {
        System.out.printf(
                "| %s | ms median | ms best | tokens/s | GFLOP/s | of libtorch's tokens/s |%n|---|--:|--:|--:|--:|--:|%n",
                title);
        double torch = millis.entrySet().stream()
                .filter(entry -> entry.getKey().startsWith("libtorch"))
                .mapToDouble(entry -> median(entry.getValue()))
                .findFirst()
                .orElse(Double.NaN);
        millis.forEach((who, values) -> {
            double median = median(values);
            double best = values.stream().mapToDouble(Double::doubleValue).min().orElseThrow();
            System.out.printf(
                    "| %s | %.1f | %.1f | %.0f | %.0f | %.2f |%n",
                    who, median, best, tokens / median * 1000, flops / median / 1e6, torch / median);
        });
        System.out.println();
    }

    /** Milliseconds of each part of one step, on average. */
    private static Map<String, Double> parts(Engine engine, int steps) {
        Map<String, Long> before = Map.copyOf(engine.model().partNanos());
        long start = System.nanoTime();
        for (int step = 0; step < steps; step++) {
            engine.train();
        }
        double whole = (System.nanoTime() - start) / 1e6 / steps;
        var parts = new TreeMap<String, Double>();
        engine.model().partNanos().forEach((part, nanos) -> parts.put(part, (nanos - before.get(part)) / 1e6 / steps));
        double model = parts.values().stream().mapToDouble(Double::doubleValue).sum();
        parts.put("optimiser and Deeplearning4j", whole - model);
        parts.put("whole", whole);
        return parts;
    }

    private static String shown(Map<String, Double> parts) {
        return String.join(
                ", ",
                parts.entrySet().stream()
                        .map(part -> String.format("%s %.1f", part.getKey(), part.getValue()))
                        .toList());
    }

    /** The same work per token for every E, each turn by turn with E = 1; what may grow is the optimiser's and router's. */
    private static void experts() {
        System.out.println(
                "preset bench, batch 8 x 256, ms of a training step over those of E = 1, medians turn by turn");
        for (int experts : new int[] {2, 4, 8, 16, 32, 64}) {
            try (var one = new Engine(config(BENCH.vocabulary(), 1), 8, THREADS);
                    var many = new Engine(config(BENCH.vocabulary(), experts), 8, THREADS);
                    var kernels = KernelChoice.best()) {
                Matrix weights = Matrix.of(many.network.params(), 0, 1, (int) many.network.numParams());
                var single = new TreeMap<String, List<Double>>();
                var several = new TreeMap<String, List<Double>>();
                for (int round = -WARM_UP; round < ROUNDS; round++) {
                    boolean counts = round >= 0;
                    parts(one, 1).forEach((part, millis) -> add(single, part, counts, millis));
                    parts(many, 1).forEach((part, millis) -> add(several, part, counts, millis));
                    long start = System.nanoTime();
                    kernels.adamW().sumOfSquares(weights);
                    add(several, "reading all weights", counts, (System.nanoTime() - start) / 1e6);
                }
                print(experts, single, several, many.network.numParams());
            }
        }
        System.out.println();
    }

    /**
     * The traffic that more experts cannot avoid: the added weights are read forward and backward, and their gradients
     * written, which reads each cache line first.
     */
    private static void print(
            int experts, Map<String, List<Double>> single, Map<String, List<Double>> several, long parameters) {
        var grown = new TreeMap<String, Double>();
        single.forEach((part, millis) -> grown.put(part, median(several.get(part)) - median(millis)));
        double reading = median(several.get("reading all weights"));
        double weights = (experts - 1.0) * BENCH.moeLayers().length * 2 * BENCH.width() * BENCH.feedForward();
        System.out.printf(
                "E = %2d: whole %.1f of %.1f; grown by: %s; limit for experts: 4 x %.0f MB at %.1f GB/s, %.1f ms%n",
                experts,
                median(several.get("whole")),
                median(single.get("whole")),
                shown(grown),
                weights * Float.BYTES / 1e6,
                parameters * Float.BYTES / reading / 1e6,
                4 * reading * weights / parameters);
    }

    /** What fit() takes beside the model's pass and AdamW. */
    private static void deeplearning4j() {
        try (var engine = new Engine(BENCH, 8, THREADS);
                var kernels = KernelChoice.best()) {
            int length = (int) ParameterLayout.of(BENCH).length();
            Matrix[] flat = new Matrix[4];
            Arrays.setAll(flat, i -> Matrix.of(Nd4j.zeros(length), 0, 1, length));
            var coefficients = new AdamW.Coefficients(0.9, 0.95, 1e-8, 3e-4, 1, 3e-5, 1);
            var adam = new LinkedHashMap<String, List<Double>>();
            for (int round = 0; round < ROUNDS + WARM_UP; round++) {
                engine.train();
                long start = System.nanoTime();
                kernels.adamW().sumOfSquares(flat[1]);
                kernels.adamW().update(coefficients, flat[0], flat[1], flat[2], flat[3]);
                add(adam, "AdamW", round >= WARM_UP, (System.nanoTime() - start) / 1e6);
            }
            Map<String, Double> parts = parts(engine, ROUNDS);
            double whole = parts.get("whole");
            double adamW = median(adam.get("AdamW"));
            double rest = parts.get("optimiser and Deeplearning4j") - adamW;
            System.out.printf(
                    "Deeplearning4j in preset bench: %.1f of %.1f ms a step, %.1f%%; AdamW %.1f ms%n",
                    rest, whole, 100 * rest / whole, adamW);
        }
    }
}
