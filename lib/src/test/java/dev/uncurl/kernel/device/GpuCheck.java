package dev.uncurl.kernel.device;

import dev.uncurl.exchange.ExchangeCheck;
import dev.uncurl.processor.DeviceProcessor;
import dev.uncurl.processor.Processor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntFunction;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Checks and times the kernels on a GPU, on a machine that has neither Maven nor ND4J's native libraries; see {@code
 * lib/gpu-check}.
 *
 * <pre>
 * record FILE                     writes the CPU's answers
 * check FILE PRECISION [PREFIX]   compares the GPU's answers with them, of scenarios that begin so
 * emulated FILE                   the same on an emulated GPU, in every precision, and the ranks on two
 * ranks                           checks and times what two ranks on two GPUs exchange by NCCL
 * bench ROWS EXPERTS PRECISION    times training steps of the paper's model; with a further word "again": a second time
 * table                           prints all that the others found, and writes it as gpu-check.json
 * </pre>
 *
 * PRECISION is fp32, tf32 or bf16. Files go to the folder of system property {@code out}. The exit code is 1 if answers disagree.
 */
public final class GpuCheck {
    /** Floats that the timed exchange between ranks sums up: 256 MB. */
    private static final int EXCHANGED = 1 << 26;

    private GpuCheck() {}

    public static void main(String[] arguments) throws IOException {
        switch (arguments[0]) {
            case "record" -> record(Path.of(arguments[1]));
            case "emulated" -> finish(emulated(answers(arguments[1])));
            case "check" -> {
                var precision = precision(arguments[2]);
                try (var device = open(precision)) {
                    String prefix = arguments.length > 3 ? arguments[3] : "";
                    finish(check(answers(arguments[1]), device, precision, prefix, CheckTable.ofProcess()));
                }
            }
            case "bench" -> {
                var precision = precision(arguments[3]);
                try (var device = open(precision)) {
                    var config = StepBench.paper(Integer.parseInt(arguments[2]));
                    var ceilings = Ceilings.of(device, precision);
                    int rows = Integer.parseInt(arguments[1]);
                    var driver = CudaLibraries.here().driver();
                    var turns = new StepBench.Turns(arguments.length > 4 && arguments[4].equals("again"));
                    new StepBench(device, driver, precision, rows, config, ceilings, turns).run();
                }
            }
            case "ranks" -> finish(ranks(rank -> gpu(CudaDevice.open(rank, CudaDevice.Precision.FP32)), EXCHANGED));
            case "table" -> CheckTable.ofProcess().finish();
            default -> throw new IllegalArgumentException(
                    "record, check, emulated, bench, ranks or table, not " + arguments[0]);
        }
    }

    private static void finish(boolean agree) {
        if (!agree) {
            System.exit(1);
        }
    }

    private static Map<String, double[]> answers(String file) throws IOException {
        return RecordedAnswers.read(Path.of(file));
    }

    private static boolean emulated(Map<String, double[]> answers) throws IOException {
        boolean agree = true;
        for (var precision : CudaDevice.Precision.values()) {
            try (var device = StandIn.open(CudaDevice.source(), precision)) {
                agree &= check(answers, device, precision, "", CheckTable.ofProcess());
            }
        }
        try (var device = StandIn.open()) {
            var config = ModelRun.configs().get("top-1 of 8");
            var driver = StandIn.libraries().driver();
            var turns = new StepBench.Turns(1, 3, false);
            var ceilings = Ceilings.ofStandIn(device);
            new StepBench(device, driver, CudaDevice.Precision.FP32, 2, config, ceilings, turns).run();
        }
        EmulatedGpu.reset();
        EmulatedGpu.machine(ExchangeCheck.RANKS);
        return agree & ranks(rank -> EmulatedGpu.open(rank).processor(), EXCHANGED >> 12);
    }

    private static Processor gpu(CudaDevice device) {
        return new DeviceProcessor(device, device.kind(), "gpu-check");
    }

    private static boolean ranks(IntFunction<Processor> gpus, int exchanged) throws IOException {
        var table = CheckTable.ofProcess();
        boolean good = true;
        try {
            for (var finding : ExchangeCheck.run(gpus, exchanged)) {
                System.out.printf("%-48s %12.4g %s%n", finding.what(), finding.value(), finding.unit());
                table.add("NCCL", finding.what(), finding.value(), finding.unit(), finding.good() ? "ok" : "FAILED");
                good &= finding.good();
            }
        } catch (InterruptedException e) {
            throw new IOException("interrupted", e);
        }
        return good;
    }

    private static CudaDevice.Precision precision(String name) {
        return CudaDevice.Precision.valueOf(name.toUpperCase(Locale.ROOT));
    }

    private static CudaDevice open(CudaDevice.Precision precision) {
        long start = System.nanoTime();
        CudaDevice device = CudaDevice.open(0, precision);
        System.out.printf(
                "%s, %s, products in %s; opened, kernels compiled, in %.2f s%n",
                device.name(), device.versions(), precision, (System.nanoTime() - start) / 1e9);
        return device;
    }

    private static void record(Path file) throws IOException {
        Map<String, double[]> answers = RecordedAnswers.compute("");
        RecordedAnswers.write(answers, file);
        System.out.println(answers.size() + " answers recorded");
    }

    /**
     * Compares a device's answers with the CPU's.
     *
     * @param prefix of the names of scenarios and models to compare
     * @param table gets a row for each kind of operation
     * @return whether all agree
     */
    static boolean check(
            Map<String, double[]> expected,
            CudaDevice device,
            CudaDevice.Precision precision,
            String prefix,
            CheckTable table)
            throws IOException {
        var comparison = new Comparison(precision);
        KernelScenarios.all().forEach((name, scenario) -> {
            if (name.startsWith(prefix)) {
                try (var kernels = new DeviceKernels(device)) {
                    double[] first = KernelScenarios.run(scenario, kernels, DataType.FLOAT);
                    double[] again = KernelScenarios.run(scenario, kernels, DataType.FLOAT);
                    comparison.add(name, first, again, expected.get(name));
                } catch (RuntimeException e) {
                    comparison.failed(name, e);
                }
            }
        });
        ModelRun.configs().forEach((name, config) -> {
            String model = RecordedAnswers.ofModel(name);
            if (model.startsWith(prefix)) {
                try {
                    Map<String, double[]> first = answers(device, name);
                    Map<String, double[]> again = answers(device, name);
                    first.forEach((what, values) -> {
                        String answer = model + ": " + what;
                        comparison.add(answer, values, again.get(what), expected.get(answer));
                    });
                } catch (RuntimeException e) {
                    comparison.failed(model, e);
                }
            }
        });
        return comparison.print(table);
    }

    private static Map<String, double[]> answers(CudaDevice device, String name) {
        try (var kernels = new DeviceKernels(device);
                var run = new ModelRun(kernels, ModelRun.configs().get(name))) {
            return run.answers();
        }
    }
}
