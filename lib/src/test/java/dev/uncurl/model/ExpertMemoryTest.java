package dev.uncurl.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.kernel.KernelChoice;
import dev.uncurl.kernel.OffHeap;
import dev.uncurl.model.spec.ExpertShare;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;

class ExpertMemoryTest {
    /** Blocks 1 and 3 have four experts. */
    private static final ModelConfig CONFIG = new ModelConfig(4, 16, 2, 32, 11, 8, new MoeConfig(4, 2, 2, true, 0, 0));

    private static final ExpertShare HALF = new ExpertShare(1, 2);

    private static ExpertMemory memory(boolean training, long others) {
        return new ExpertMemory(KernelChoice.best(), DataType.FLOAT, CONFIG, HALF, training, others);
    }

    /** Two ranks with 8 tokens each send 32 rows to four experts, so 16 to the two of a rank. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatEvenlyLoadedExpertsTakeIsWhatTheFootprintSays(boolean training) {
        try (var memory = memory(training, 0)) {
            assertThat(memory.room(1)).isZero();
            for (int layer : CONFIG.moeLayers()) {
                assertThat(memory.grow(layer, 16)).isNull();
                assertThat(memory.room(layer)).isEqualTo(20);
            }
            assertThat(memory.held()).isEqualTo(ExpertMemory.balancedBytes(CONFIG, HALF, 8, training));
            assertThat(memory.inputs(1).rows()).isEqualTo(20);
            assertThat(memory.inputs(1).columns()).isEqualTo(16);
            assertThat(memory.hidden(3).columns()).isEqualTo(32);
            assertThat(memory.inputs(1) == memory.inputs(3)).isEqualTo(!training);
            assertThat(memory.hidden(1) == memory.activated(1)).isEqualTo(!training);
            long before = memory.held();
            assertThat(memory.grow(3, 40)).isNull();
            assertThat(memory.room(3)).isEqualTo(50);
            assertThat(memory.held()).isGreaterThan(before);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatIsOverTheLimitIsRefusedAndTheMemoryStaysAsItWas(boolean training) {
        long few = ExpertMemory.balancedBytes(CONFIG, HALF, 8, training);
        try (var memory = memory(training, OffHeap.limit() - few)) {
            assertThat(memory.grow(1, 16)).isNull();
            assertThat(memory.grow(1, 1000)).contains("MB for 1000 rows", "over the limit of");
            assertThat(memory.room(1)).isEqualTo(20);
            assertThat(memory.inputs(1).rows()).isEqualTo(20);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aModelThatIsNotDividedTakesNothing(boolean training) {
        assertThat(ExpertMemory.balancedBytes(CONFIG, ExpertShare.ALL, 8, training))
                .isZero();
        assertThat(Footprint.of(CONFIG, 8, training).exchange()).isZero();
        Footprint half = Footprint.of(CONFIG, HALF, 8, training);
        assertThat(half.exchange()).isPositive();
        assertThat(half.parameters())
                .isLessThan(Footprint.of(CONFIG, 8, training).parameters());
    }
}
