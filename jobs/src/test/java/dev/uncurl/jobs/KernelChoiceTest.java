package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.dl4j.FusedAdamW;
import dev.uncurl.dl4j.NetworkStep;
import dev.uncurl.dl4j.SmoeNetwork;
import dev.uncurl.kernel.KernelChoice;
import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A short training in JVMs of their own, with and without the incubator module of the Vector API. */
@Tag("slow")
class KernelChoiceTest {
    private static final int STEPS = 4;

    @TempDir
    Path folder;

    /** The output of a training: which kernels ran, the loss of each step, and the last weights. */
    record Report(String kernels, double[] losses, int weights) {
        static Report of(List<String> lines) {
            return new Report(
                    lines.get(0),
                    Arrays.stream(lines.get(1).split(" "))
                            .mapToDouble(Double::parseDouble)
                            .toArray(),
                    Integer.parseInt(lines.get(2)));
        }
    }

    static final class Training {
        private Training() {}

        public static void main(String[] arguments) {
            report().forEach(System.out::println);
        }

        static List<String> report() {
            var config = new ModelConfig(2, 16, 2, 24, 31, 12, new MoeConfig(4, 2, 2, true, 0.01, 0.001));
            var network = SmoeNetwork.create(config, new FusedAdamW(0.01), 7);
            var random = new SplittableRandom(8);
            var losses = new ArrayList<String>();
            for (int step = 0; step < STEPS; step++) {
                var batch = TokenBatch.ofSequences(IntStream.range(0, 3)
                        .mapToObj(row -> random.ints(12, 0, 31).toArray())
                        .toList());
                losses.add(Double.toString(
                        new NetworkStep(network).take(batch).loss().total()));
            }
            return List.of(
                    KernelChoice.best().getClass().getSimpleName(),
                    String.join(" ", losses),
                    Integer.toString(Arrays.hashCode(network.params().data().asFloat())));
        }
    }

    private Process start(String name, String... options) throws IOException {
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("-Xmx256m");
        command.add("-Dlog4j2.configurationFile=" + System.getProperty("log4j2.configurationFile"));
        command.addAll(List.of(options));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Training.class.getName()));
        return new ProcessBuilder(command)
                .redirectOutput(folder.resolve(name + ".out").toFile())
                .redirectError(folder.resolve(name + ".err").toFile())
                .start();
    }

    private Report end(String name, Process process) throws IOException, InterruptedException {
        assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
        assertThat(process.exitValue()).as(log(name)).isZero();
        return Report.of(Files.readAllLines(folder.resolve(name + ".out")));
    }

    private String log(String name) throws IOException {
        return Files.readString(folder.resolve(name + ".err"), StandardCharsets.UTF_8);
    }

    @Test
    void withoutTheModuleThePlainKernelsSaySoAndAgreeAndWithItEveryRunHasTheSameBits() throws Exception {
        Process plainly = start("plain");
        Process fast = start("fused", "--add-modules=jdk.incubator.vector");
        var here = Report.of(Training.report());
        var plain = end("plain", plainly);
        var fused = end("fused", fast);
        assertThat(plain.kernels).isEqualTo("Nd4jKernels");
        assertThat(log("plain"))
                .contains("WARN")
                .contains("Using plain ND4J kernels, which are several times slower")
                .contains("--add-modules jdk.incubator.vector");
        assertThat(plain.losses).containsExactly(fused.losses, within(1e-5)).isNotEqualTo(fused.losses);
        assertThat(fused.kernels).isEqualTo(here.kernels).isEqualTo("VectorKernels");
        assertThat(log("fused")).doesNotContain("Using plain ND4J kernels");
        assertThat(fused.losses).isEqualTo(here.losses);
        assertThat(fused.weights).isEqualTo(here.weights).isNotEqualTo(plain.weights);
    }
}
