package dev.uncurl.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.dl4j.FusedAdamW;
import dev.uncurl.dl4j.SmoeNetwork;
import dev.uncurl.model.FlatWeights;
import dev.uncurl.model.ModelInitialization;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A process handles a model that is several times larger than its Java heap. */
@Tag("slow")
class HeapTest {
    private static final int HEAP_MEGABYTES = 32;

    /** 26 million parameters, 103 MB. */
    private static final ModelConfig CONFIG =
            new ModelConfig(2, 512, 8, 2048, 1000, 64, new MoeConfig(10, 2, 2, true, 0, 0));

    @TempDir
    Path folder;

    /** Runs in a process of its own: the argument is the folder. */
    static final class Process {
        private Process() {}

        public static void main(String[] arguments) throws IOException {
            var fs = FileSystem.getLocal(new Configuration());
            var model = new org.apache.hadoop.fs.Path(arguments[0], "model");
            var lineage = Lineage.here(null, "initialize", Map.of(), "test", "none");
            ModelFolder.write(fs, model, CONFIG, ModelInitialization.of(CONFIG, 5), lineage);
            ModelFolder written = ModelFolder.open(fs, model);
            written.verify();
            FlatWeights.load(written.layout(), written).close();
            var network = SmoeNetwork.create(CONFIG, new FusedAdamW(0.01), written);
            var step = new org.apache.hadoop.fs.Path(arguments[0], "step-1");
            var staging = ModelStaging.create(fs, step, CONFIG);
            var slice = new CheckpointPart.Slice(0, 1, 0, network.numParams());
            var part = CheckpointPart.write(
                    staging, SmoeNetwork.parameters(network), SmoeNetwork.moments(network)::part, slice);
            TrainingCheckpoint.publish(staging, List.of(part), new byte[0], lineage);
            var checkpoint = TrainingCheckpoint.open(fs, step);
            SmoeNetwork.resume(network, checkpoint.moments(SmoeNetwork.updated(network)), 1);
            for (var tensor : written.layout().tensors()) {
                if (!checkpoint.model().tensors().same(tensor.name(), written.tensors(), tensor.name())) {
                    throw new IllegalStateException(tensor.name() + " is not what was written");
                }
            }
            System.out.println(Runtime.getRuntime().maxMemory());
        }
    }

    @Test
    void aModelThreeTimesAsLargeAsTheHeapIsInitialisedVerifiedLoadedAndSaved() throws Exception {
        assertThat(ParameterLayout.of(CONFIG).length() * Float.BYTES).isGreaterThan(3L * (HEAP_MEGABYTES << 20));
        Path output = folder.resolve("output");
        var process = new ProcessBuilder(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx" + HEAP_MEGABYTES + "m",
                        "-Dorg.bytedeco.javacpp.maxbytes=2g",
                        "-Dorg.bytedeco.javacpp.maxphysicalbytes=0", // else four times the heap
                        "-XX:+UseSerialGC",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Process.class.getName(),
                        folder.toString()))
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        assertThat(process.waitFor(2, TimeUnit.MINUTES)).isTrue();
        String said = Files.readString(output);
        assertThat(process.exitValue()).as(said).isZero();
        String last = said.lines().reduce((before, line) -> line).orElseThrow();
        assertThat(Long.parseLong(last)).isLessThanOrEqualTo(HEAP_MEGABYTES << 20);
    }
}
