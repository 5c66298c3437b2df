package dev.uncurl.kernel.device;

import com.sun.jna.NativeLibrary;
import dev.uncurl.kernel.AdamW;
import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.model.SmoeLanguageModel;
import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.buffer.DataType;

/** Times training steps and scoring passes of a model on a GPU; then each kind of kernel. */
final class StepBench {
    /**
     * How often a step is run.
     *
     * @param warmUp before it is timed: after fewer, the library still sees products of new sizes
     * @param again whether it has been timed before: the table's rows are named so, and kinds of kernels are left out
     */
    record Turns(int warmUp, int timed, boolean again) {
        /** On a GPU. */
        Turns(boolean again) {
            this(12, 15, again);
        }
    }

    /** Of a step: kinds that take less are left out of the table. */
    private static final double LEAST_PART = 0.01;

    /** Elements that AdamW updates at a time. */
    private static final int WINDOW = 1 << 26;

    private final CudaDevice device;
    private final NativeLibrary driver;
    private final CudaDevice.Precision precision;
    private final Turns turns;
    /** Of the table's rows, and of the file. */
    private final String part;

    private final int rows;
    private final ModelConfig config;
    private final int length;
    private final Ceilings ceilings;
    private final CheckTable table = CheckTable.ofProcess();
    private final StringBuilder json = new StringBuilder();

    /**
     * @param driver of the device
     * @param rows sequences in a batch, as long as the model allows
     */
    StepBench(
            CudaDevice device,
            NativeLibrary driver,
            CudaDevice.Precision precision,
            int rows,
            ModelConfig config,
            Ceilings ceilings,
            Turns turns) {
        this.device = device;
        this.driver = driver;
        this.precision = precision;
        this.ceilings = ceilings;
        this.turns = turns;
        part = precision + (turns.again ? "-again" : "");
        this.rows = rows;
        this.config = config;
        length = config.sequenceLength();
    }

    /** GPT-2 with 354 million parameters, and experts in every other block. */
    static ModelConfig paper(int experts) {
        return new ModelConfig(24, 1024, 16, 4096, 50_257, 1024, new MoeConfig(experts, 1, 2, false, 0.01, 0.001, 0));
    }

    /** Memory of a training run, on the kernels that are timed. */
    private record Training(
            DeviceKernels kernels,
            FlatMemory parameters,
            FlatMemory gradients,
            FlatMemory first,
            FlatMemory second,
            SmoeLanguageModel model)
            implements AutoCloseable {
        @Override
        public void close() {
            model.close();
            for (FlatMemory memory : new FlatMemory[] {parameters, gradients, first, second}) {
                memory.close();
            }
            kernels.close();
        }
    }

    void run() throws IOException {
        List<TokenBatch> batches = IntStream.range(0, turns.warmUp + turns.timed)
                .mapToObj(this::batch)
                .toList();
        ceilings.print(precision, part, table);
        try (var training = open(device)) {
            say("training step", time(i -> step(training, batches.get(i), i + 1)));
            say("scoring pass", time(i -> training.model().forward(batches.get(i))));
        }
        if (!turns.again) {
            kinds(batches);
        }
        String out = System.getProperty("out", "");
        if (!out.isEmpty()) {
            Files.writeString(
                    Path.of(out, "step-" + part + "-" + config.moe().experts() + ".json"),
                    "{\"tokens\": " + rows * length + json + "}\n");
        }
    }

    private void kinds(List<TokenBatch> batches) throws IOException {
        try (var stopwatch = new Stopwatch(device, driver)) {
            var metered = new MeteredDevice(device, stopwatch);
            try (var training = open(metered)) {
                for (int i = 0; i <= turns.warmUp; i++) {
                    metered.reset();
                    step(training, batches.get(i), i + 1);
                }
                kinds(metered);
            }
        }
    }

    /** Another one for each step: how many tokens an expert gets is then new each time, as in training. */
    private TokenBatch batch(int seed) {
        int[] tokens = new Random(seed)
                .ints((long) rows * length + 1, 0, config.vocabulary())
                .toArray();
        return new TokenBatch(
                Arrays.copyOf(tokens, rows * length), Arrays.copyOfRange(tokens, 1, rows * length + 1), rows, length);
    }

    private Training open(Device on) {
        var kernels = new DeviceKernels(on);
        var layout = ParameterLayout.of(config);
        FlatMemory parameters = kernels.allocate(DataType.FLOAT, layout.length());
        FlatMemory gradients = kernels.allocate(DataType.FLOAT, layout.length());
        BenchParameters.write(config, parameters);
        return new Training(
                kernels,
                parameters,
                gradients,
                kernels.allocate(DataType.FLOAT, layout.length()),
                kernels.allocate(DataType.FLOAT, layout.length()),
                SmoeLanguageModel.forTraining(kernels, config, parameters, gradients, rows * length));
    }

    private static double step(Training t, TokenBatch batch, int step) {
        double loss = t.model().forwardBackward(batch).total();
        AdamW adamW = t.kernels().adamW();
        long parameters = t.parameters().length();
        double squares = 0;
        for (long at = 0; at < parameters; at += WINDOW) {
            squares += adamW.sumOfSquares(t.gradients().matrix(at, 1, (int) Math.min(WINDOW, parameters - at)));
        }
        double scale = 1 / Math.max(1, Math.sqrt(squares));
        var coefficients = new AdamW.Coefficients(
                0.9, 0.95, 1e-8, 1e-4 / (1 - Math.pow(0.9, step)), 1 / (1 - Math.pow(0.95, step)), 1e-5, scale);
        for (long at = 0; at < parameters; at += WINDOW) {
            int count = (int) Math.min(WINDOW, parameters - at);
            adamW.step(
                    coefficients,
                    t.parameters().matrix(at, 1, count),
                    t.gradients().matrix(at, 1, count),
                    t.first().matrix(at, 1, count),
                    t.second().matrix(at, 1, count));
        }
        return loss;
    }

    /** Milliseconds of each run after the warm-up. */
    private double[] time(IntConsumer run) {
        double[] times = new double[turns.timed];
        for (int i = 0; i < turns.warmUp + turns.timed; i++) {
            long start = System.nanoTime();
            run.accept(i);
            device.synchronize();
            if (i >= turns.warmUp) {
                times[i - turns.warmUp] = (System.nanoTime() - start) / 1e6;
            }
        }
        return times;
    }

    private void say(String what, double[] times) throws IOException {
        Arrays.sort(times);
        double median = times[times.length / 2];
        System.out.printf(
                "%s, %d experts, %d x %d tokens, %s: median %.1f ms (%.1f to %.1f), %.0f tokens/s%n",
                what,
                config.moe().experts(),
                rows,
                length,
                precision,
                median,
                times[0],
                times[times.length - 1],
                rows * length / median * 1000);
        table.add(part, what, median, "ms", String.format(Locale.ROOT, "%.0f tokens/s", rows * length / median * 1000));
        json.append(
                String.format(Locale.ROOT, ", \"%s ms\": %.2f, \"%s best ms\": %.2f", what, median, what, times[0]));
    }

    /** Each kind of operation, the longest first, with the least time that it can take as a part of what it took. */
    private void kinds(MeteredDevice metered) throws IOException {
        System.out.printf(
                "    %-26s %7s %10s %10s %10s %10s%n",
                "kind, timed by events", "calls", "ms", "TFLOP/s", "GB/s", "roofline");
        int blocks = config.moeLayers().length;
        if (blocks > 0) { // each has an activation of its own
            System.out.printf(
                    "    experts with tokens: %d of %d%n",
                    metered.calls("geluForward") - (config.layers() - blocks),
                    blocks * config.moe().experts());
        }
        double seconds =
                metered.sums().values().stream().mapToDouble(sum -> sum.seconds).sum();
        double flops =
                metered.sums().values().stream().mapToDouble(sum -> sum.flops).sum();
        var longestFirst = metered.sums().entrySet().stream()
                .sorted((a, b) -> Double.compare(b.getValue().seconds, a.getValue().seconds))
                .toList();
        for (var entry : longestFirst) {
            kind(entry.getKey(), entry.getValue(), entry.getValue().seconds / seconds);
        }
        System.out.printf("    all: %.1f ms, %.2f TFLOP%n", seconds * 1e3, flops / 1e12);
        json.append(String.format(Locale.ROOT, ", \"TFLOP\": %.3f", flops / 1e12));
    }

    /** @param share of the step */
    private void kind(String kind, MeteredDevice.Sum sum, double share) throws IOException {
        double least = ceilings.share(kind, sum);
        String roofline = Double.isNaN(least) ? "" : String.format(Locale.ROOT, "%.2f", least);
        System.out.printf(
                "    %-26s %7d %10.2f %10.1f %10.0f %10s%n",
                kind,
                sum.calls,
                sum.seconds * 1e3,
                sum.flops / sum.seconds / 1e12,
                sum.bytes / sum.seconds / 1e9,
                roofline);
        json.append(String.format(
                Locale.ROOT,
                ", \"%s\": {\"calls\": %d, \"ms\": %.3f, \"flops\": %.4g, \"bytes\": %.4g}",
                kind,
                sum.calls,
                sum.seconds * 1e3,
                sum.flops,
                sum.bytes));
        if (share >= LEAST_PART) {
            String note = roofline.isEmpty() ? "" : roofline + " of the roofline";
            table.add(part, "step: " + kind, sum.seconds * 1e3, "ms", note);
        }
    }
}
