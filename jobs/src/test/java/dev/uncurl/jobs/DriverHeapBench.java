package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.config.Settings;
import dev.uncurl.model.ModelSize;
import dev.uncurl.model.spec.ModelConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The driver's Java heap does not grow with the model: a driver trains a model whose parameters alone take twice its heap, on two
 * executors, which take 3.2 GB each beside theirs. Run by name:
 * {@code mvn -pl lib,jobs test -Dtest=DriverHeapBench -Dsurefire.failIfNoSpecifiedTests=false}
 */
final class DriverHeapBench {
    private static final int HEAP_MB = 480;

    @Test
    void measure(@TempDir Path folder) throws Exception {
        String data = Path.of("../test-data/cc100/speeches.txt").toRealPath().toString();
        Path tokenize = Files.writeString(
                folder.resolve("tokenize.conf"),
                """
                include classpath("conf/tokenize/defaults.conf")
                vocabulary = 300, sequence-length = 32, validation-fraction = 0
                corpora = [{ name = text, format = cc100, paths = ["%s"], validation-paths = [] }]
                """
                        .formatted(data));
        var driver = new ClusterDriver(folder);
        String warehouse = " --warehouse " + folder.resolve("warehouse");
        try (var cluster = driver.cluster(2)) {
            driver.run(cluster, 1, HEAP_MB + "m", List.of("tokenize --config " + tokenize + warehouse));
            for (int experts : new int[] {2, 128}) {
                Path config = Files.writeString(
                        folder.resolve(experts + ".conf"),
                        """
                        model {
                          include classpath("conf/model/bench.conf")
                          layers = 2, feed-forward = 4096, vocabulary = 300, sequence-length = 32, moe.experts = %d
                        }
                        train {
                          include classpath("conf/train/demo.conf")
                          batch = 8, micro-batch = 4, tokens = 1000, validation.every = 0, checkpoint.every = 2, metrics-every = 2
                        }
                        corpora = [text]
                        """
                                .formatted(experts));
                ModelConfig bench = Settings.load("model/bench", List.of()).bind(ModelConfig.class);
                long parameters = ModelSize.parameters(
                        new ModelConfig(2, bench.width(), bench.heads(), 4096, 300, 32, bench.moe())
                                .withExperts(experts));
                String said = driver.run(
                        cluster,
                        2,
                        HEAP_MB + "m",
                        List.of("pretrain --config " + config + " --model of-" + experts + warehouse));
                assertThat(said).contains(TimedCommands.HEAP);
                System.out.printf(
                        Locale.ROOT,
                        "%d experts: parameters %d MB, %s%n",
                        experts,
                        parameters * Float.BYTES >> 20,
                        said.lines()
                                .filter(line -> line.startsWith(TimedCommands.HEAP))
                                .findFirst()
                                .orElseThrow());
            }
        }
    }
}
