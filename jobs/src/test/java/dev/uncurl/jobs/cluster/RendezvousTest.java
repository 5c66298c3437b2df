package dev.uncurl.jobs.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class RendezvousTest {
    private final Rendezvous rendezvous = new Rendezvous();

    private String[] arrive(int stage, int attempt, int rank, int port) {
        return rendezvous.arrive(new Arrival(stage, attempt, rank, 2, "host" + rank, port));
    }

    @Test
    void ranksLearnOfEachOtherAndTheListIsForgotten() {
        assertThat(arrive(4, 0, 1, 11)).containsExactly(null, "host1:11");
        assertThat(arrive(4, 0, 1, 11)).containsExactly(null, "host1:11");
        assertThat(arrive(4, 0, 0, 10)).containsExactly("host0:10", "host1:11");
        assertThat(rendezvous.open()).isEqualTo(1);
        assertThat(arrive(4, 0, 1, 11)).containsExactly("host0:10", "host1:11");
        assertThat(rendezvous.open()).isZero();
    }

    @Test
    void stagesAndAttemptsAreApart() {
        arrive(4, 0, 0, 10);
        assertThat(arrive(5, 0, 1, 20)).containsExactly(null, "host1:20");
        assertThat(arrive(4, 1, 1, 12)).containsExactly(null, "host1:12");
        assertThat(rendezvous.open()).isEqualTo(2); // the first attempt of stage 4 is dead
        assertThat(arrive(4, 1, 0, 13)).containsExactly("host0:13", "host1:12");
    }

    @Test
    void ranksThatCannotBeAreRefused() {
        assertThatThrownBy(() -> new Arrival(1, 0, 2, 2, "host", 10)).hasMessageContaining("Rank 2 of 2");
        arrive(1, 0, 0, 10);
        assertThatThrownBy(() -> rendezvous.arrive(new Arrival(1, 0, 1, 3, "host", 10)))
                .hasMessageContaining("Stage 1 has 2 ranks, but rank 1 knows of 3");
    }
}
