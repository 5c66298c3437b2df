package dev.uncurl.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import java.util.List;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class AutomaticRanksTest {
    /** A configuration of which this test looks at one block. */
    record Whole(Object model, TrainConfig train, Object corpora) {}

    private static TrainConfig train(String... settings) {
        List<String> pairs =
                Stream.of(settings).map(setting -> "train." + setting).toList();
        return Settings.load("train/demo-pretrain", pairs).bind(Whole.class).train();
    }

    @Test
    void aNumberOfRanksIsANumberOrAuto() {
        assertThat(train("ranks=3").ranks()).isEqualTo(3);
        assertThat(train("ranks=auto").ranks()).isEqualTo(TrainConfig.AUTO);
        for (String wrong : List.of("0", "-1", "5000")) {
            assertThatThrownBy(() -> train("ranks=" + wrong))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("train.ranks = " + wrong)
                    .hasMessageContaining("from 1 to 4096");
        }
        assertThatThrownBy(() -> train("ranks=many"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("train.ranks");
    }

    @Test
    void aFixedNumberStays() {
        TrainConfig train = train("ranks=3");
        assertThat(train.at(100)).isEqualTo(train);
    }

    /** The model's inputs are the same for any number of slots, and no rank is without a sequence. */
    @Property(tries = 60)
    void automaticRanksKeepTheMicroStep(
            @ForAll @IntRange(min = 1, max = 40) int batch,
            @ForAll @IntRange(min = 1, max = 40) int micro,
            @ForAll @IntRange(min = 1, max = 64) int slots) {
        int microBatch = Math.min(batch, micro);
        TrainConfig asked = train("ranks=auto", "batch=" + batch, "micro-batch=" + microBatch);
        TrainConfig train = asked.at(slots);
        assertThat(train.ranks()).isBetween(1, Math.min(slots, batch));
        assertThat(Math.min(batch, train.ranks() * train.microBatch())).isEqualTo(microBatch);
        assertThat(asked.inputs()).containsEntry("ranks", "auto").containsEntry("micro-step", "" + microBatch);
        assertThat(train.inputs()).containsEntry("micro-step", "" + microBatch);
        if (microBatch == batch) {
            assertThat(train.ranks()).isEqualTo(Math.min(slots, batch));
        }
    }
}
