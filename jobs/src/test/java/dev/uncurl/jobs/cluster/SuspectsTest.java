package dev.uncurl.jobs.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class SuspectsTest {
    private final Map<Integer, Status> answers = new HashMap<>();
    private final Suspects suspects = new Suspects(0, 8, rank -> Optional.ofNullable(answers.get(rank)));

    private void waits(int rank, Integer... others) {
        answers.put(rank, new Status(List.of(others), Optional.empty()));
    }

    @Test
    void theQuestionIsPassedOnToTheRankThatAllWaitFor() {
        waits(1, 2);
        waits(2, 3, 0);
        waits(3);
        assertThat(suspects.find(List.of(1)).ranks()).containsExactly(3);
    }

    @Test
    void aSilentRankIsNamed() {
        waits(1, 5);
        assertThat(suspects.find(List.of(1, 2)).ranks()).containsExactly(2, 5);
    }

    @Test
    void ranksThatWaitForEachOtherAreNamedTogether() {
        waits(1, 0);
        assertThat(suspects.find(List.of(1)).ranks()).containsExactly(1);
    }

    @Test
    void whatAnotherRankHasFoundIsTheAnswer() {
        var loss = new Loss(List.of(6), "Rank 6 has left");
        answers.put(1, new Status(List.of(), Optional.of(loss)));
        assertThat(suspects.find(List.of(1))).isEqualTo(loss);
    }

    @Test
    void aStatusSurvivesTheWire() {
        var status = new Status(List.of(4, 2), Optional.of(new Loss(List.of(1, 3), "Ränge sind fort")));
        assertThat(Status.read(status.write())).isEqualTo(status);
    }
}
