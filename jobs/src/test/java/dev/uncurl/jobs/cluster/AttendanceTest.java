package dev.uncurl.jobs.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class AttendanceTest {
    private final Attendance attendance = new Attendance();

    private void comes(long sequence, int rank) {
        attendance.came(new Tag(0, sequence, 0, rank));
    }

    @Test
    void whoComesLastDoesNotWait() {
        comes(7, 1);
        comes(7, 2);
        assertThat(attendance.waited(0, 7, System.nanoTime())).isZero();
    }

    @Test
    void anotherOneWaitsUntilTheFirstMessageOfTheLastRank() {
        long since = System.nanoTime();
        comes(7, 1);
        comes(7, 2);
        long last = System.nanoTime();
        comes(7, 1); // of which there are more
        comes(7, 2);
        comes(8, 1); // which is in the next operation already
        assertThat(attendance.waited(0, 7, since)).isBetween(0L, last - since);
        assertThat(attendance.waited(0, 8, last + 1_000_000_000_000L)).isZero();
    }

    @Test
    void anOperationOfOneRankTakesNoWait() {
        assertThat(attendance.waited(3, 0, 0)).isZero();
    }
}
