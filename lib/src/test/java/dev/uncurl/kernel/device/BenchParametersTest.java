package dev.uncurl.kernel.device;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.model.SmoeLanguageModel;
import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;

class BenchParametersTest {
    @BeforeAll
    static void needsACompiler() {
        CompilerForTests.require();
    }

    @Test
    void allExpertsHaveTokens() {
        ModelConfig config = ModelRun.configs().get("top-1 of 8");
        int length = config.sequenceLength();
        int[] tokens = new Random(5).ints(length, 0, config.vocabulary()).toArray();
        long parameters = ParameterLayout.of(config).length();
        try (var device = new MeteredDevice(StandIn.open());
                var kernels = new DeviceKernels(device);
                FlatMemory memory = kernels.allocate(DataType.FLOAT, parameters);
                FlatMemory gradients = kernels.allocate(DataType.FLOAT, parameters);
                var model = SmoeLanguageModel.forTraining(kernels, config, memory, gradients, length)) {
            BenchParameters.write(config, memory);
            model.forward(new TokenBatch(tokens, Arrays.copyOf(tokens, length), 1, length));
            int blocks = config.moeLayers().length;
            assertThat(device.calls("geluForward"))
                    .isEqualTo(config.layers()
                            - blocks
                            + (long) blocks * config.moe().experts());
        }
    }
}
