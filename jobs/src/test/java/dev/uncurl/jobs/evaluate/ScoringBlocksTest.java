package dev.uncurl.jobs.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.jobs.evaluate.ScoringBlocks.Block;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class ScoringBlocksTest {
    private static ScoringBlocks of(int names, List<Long> ids) {
        var numbers = new ScoringBlocks(names, List.of());
        var counts = new TreeMap<Long, Integer>();
        ids.forEach(id -> counts.merge(numbers.numberOf(id), 1, Integer::sum));
        var blocks = new ArrayList<Block>();
        counts.forEach((number, count) -> blocks.add(new Block(number, count, 0, 0, 0)));
        return new ScoringBlocks(names, blocks);
    }

    @Property(tries = 50)
    void everyExampleIsInOneBlockOfAtMost64OfOneTask(
            @ForAll @Size(min = 1, max = 4) List<@IntRange(min = 1, max = 300) Integer> tasks) {
        var ids = new ArrayList<Long>();
        for (int task = 0; task < tasks.size(); task++) {
            for (long id = 0; id < tasks.get(task); id++) {
                ids.add(id * tasks.size() + task);
            }
        }
        ScoringBlocks blocks = of(tasks.size(), ids);
        var members = new HashMap<Integer, List<Long>>();
        ids.forEach(id -> members.computeIfAbsent(blocks.placeOf(id), place -> new ArrayList<>())
                .add(id));
        assertThat(members).hasSize(blocks.size());
        members.forEach((place, of) -> {
            assertThat(of).hasSizeLessThanOrEqualTo(ScoringBlocks.SIZE);
            assertThat(of.stream().map(id -> id % tasks.size()).distinct()).hasSize(1);
            assertThat((long) of.size()).isEqualTo(blocks.blocks().get(place).fitting());
        });
        assertThat(blocks.size()).isLessThan(ids.size() / ScoringBlocks.SIZE + tasks.size() + 1);
        assertThat(blocks.rows()).isEqualTo(ids.size());
    }

    @Test
    void runsKeepTheOrderAndTheLimitAndLeaveOutBlocksWithoutRows() {
        var blocks = new ScoringBlocks(
                1,
                List.of(
                        new Block(0, 5, 0, 0, 0),
                        new Block(1, 0, 0, 3, 0),
                        new Block(2, 4, 1, 0, 0),
                        new Block(3, 20, 0, 0, 0),
                        new Block(4, 1, 0, 2, 0)));
        assertThat(blocks.runs(9)).containsExactly(new long[] {0, 2}, new long[] {3}, new long[] {4});
        assertThat(blocks.runs(1000)).containsExactly(new long[] {0, 2, 3, 4});
        assertThat(blocks.refused()).isEqualTo(5);
        assertThat(blocks.cut()).isEqualTo(1);
    }

    @Test
    void anExampleOfNoBlockIsRefused() {
        ScoringBlocks blocks = of(1, List.of(0L, 200L));
        assertThat(blocks.placeOf(201)).isEqualTo(1);
        assertThatThrownBy(() -> blocks.placeOf(70)).hasMessageContaining("Example 70 was added");
    }
}
