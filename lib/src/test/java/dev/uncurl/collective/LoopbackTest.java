package dev.uncurl.collective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class LoopbackTest extends CollectivesContract {
    @Override
    protected List<Collectives> open(int size, Duration deadline) {
        return Loopback.ranks(size, deadline);
    }

    @Test
    void thirtyTwoRanksOnFewCoresDoManySteps() {
        List<double[]> sums = Crew.run(open(32, Duration.ofSeconds(60)), ranks -> {
            Collectives half = ranks.group(
                    IntStream.range(0, 16).map(i -> 2 * i + ranks.rank() % 2).toArray());
            FloatRange values = FloatRange.allocate(100);
            double[] sum = {1};
            for (int step = 0; step < 200; step++) {
                ranks.allReduce(values);
                sum = half.sum(new double[] {sum[0] / 16});
            }
            return sum;
        });
        assertThat(sums).allMatch(sum -> sum[0] == 1);
    }

    @Test
    void aRunNeedsARank() {
        assertThatThrownBy(() -> open(0, Duration.ofSeconds(1))).isInstanceOf(IllegalArgumentException.class);
    }
}
