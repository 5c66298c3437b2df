package dev.uncurl.jobs.sweep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.sweep.CellStatus.Results;
import dev.uncurl.jobs.sweep.SweepRun.Limits;
import dev.uncurl.jobs.sweep.SweepRun.Outcome;
import dev.uncurl.jobs.sweep.SweepRun.Stop;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class SweepRunTest {
    private static final List<Cell> CELLS = Sweeps.cells(Sweeps.config(), Sweeps.model("m", 8));
    private static final Limits NONE = new Limits(0, Optional.empty());

    /** Ends the process, as a kill does. */
    private static final class Kill extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    /** A clock that moves with the work. */
    private static final class Moving extends Clock {
        private Instant now = Instant.parse("2026-11-26T22:00:00Z");

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }

        @Override
        public Instant instant() {
            return now;
        }
    }

    /** Results in memory; each cell takes ten seconds. */
    private static final class Work implements CellWork {
        final Set<String> there = new HashSet<>();
        final List<String> begun = new ArrayList<>();
        final Map<String, RuntimeException> failing = new LinkedHashMap<>();
        final Set<String> held = new HashSet<>();
        final Moving clock = new Moving();
        int killBefore = Integer.MAX_VALUE;

        @Override
        public Optional<Results> find(Cell cell) {
            return there.contains(cell.id()) ? Optional.of(results(cell)) : Optional.empty();
        }

        private static Results results(Cell cell) {
            return new Results(Optional.empty(), "results of " + cell.id(), Optional.empty());
        }

        @Override
        public Results run(Cell cell) {
            if (begun.size() == killBefore) {
                throw new Kill();
            }
            begun.add(cell.id());
            clock.now = clock.now.plusSeconds(10);
            if (held.remove(cell.id())) {
                throw UserError.conflict("Another run is writing it", "Wait.");
            }
            if (failing.containsKey(cell.id())) {
                throw failing.get(cell.id());
            }
            there.add(cell.id());
            return results(cell);
        }

        @Override
        public boolean isTheEnd(RuntimeException failure) {
            return failure instanceof Kill;
        }
    }

    private final List<Map<String, CellStatus>> journal = new ArrayList<>();

    private Outcome run(Work work, Map<String, CellStatus> before, Limits limits) {
        var quiet = new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);
        return new SweepRun(work, rows -> journal.add(new LinkedHashMap<>(rows)), new SweepProgress(quiet), work.clock)
                .run(CELLS, before, limits);
    }

    private static String id(int cell) {
        return CELLS.get(cell).id();
    }

    @Property(tries = 60)
    void killedAnywhereAnyNumberOfTimesTheEndIsThatOfAnUndisturbedRunAndNoCellIsDoneTwice(
            @ForAll @Size(min = 1, max = 4) List<@IntRange(min = 0, max = 30) Integer> kills) {
        journal.clear();
        var undisturbed = new Work();
        Outcome expected = run(undisturbed, Map.of(), NONE);
        var work = new Work();
        Map<String, CellStatus> before = Map.of();
        for (int kill : kills) {
            work.killBefore = work.begun.size() + kill;
            try {
                run(work, before, NONE);
            } catch (Kill e) {
                assertThat(work.begun.size()).isEqualTo(work.killBefore);
            }
            before = journal.get(journal.size() - 1);
        }
        work.killBefore = Integer.MAX_VALUE;
        Outcome outcome = run(work, before, NONE);
        assertThat(work.begun).doesNotHaveDuplicates().isEqualTo(undisturbed.begun);
        assertThat(outcome.statuses().keySet())
                .containsExactlyElementsOf(expected.statuses().keySet());
        outcome.statuses().forEach((id, status) -> {
            assertThat(status.state()).isEqualTo(CellState.DONE);
            assertThat(status.results()).isEqualTo(expected.statuses().get(id).results());
        });
    }

    @Test
    void aFailingCellIsRecordedAndTheRestGoesOnAndTheNextRunTriesItAlone() {
        var work = new Work();
        work.failing.put(id(2), UserError.input("No room", "Make some."));
        work.failing.put(id(4), new IllegalStateException("odd"));
        Outcome outcome = run(work, Map.of(), NONE);
        assertThat(work.begun).hasSize(CELLS.size());
        assertThat(outcome.count(CellState.FAILED)).isEqualTo(2);
        assertThat(outcome.statuses().get(id(2)).error()).contains("No room\n  Make some.");
        assertThat(outcome.statuses().get(id(4)).error()).contains("internal error: IllegalStateException: odd");
        assertThat(outcome.statuses().get(id(2)).seconds()).contains(10.0);
        work.failing.clear();
        work.begun.clear();
        Outcome again = run(work, outcome.statuses(), NONE);
        assertThat(work.begun).containsExactly(id(2), id(4));
        assertThat(again.count(CellState.DONE)).isEqualTo(CELLS.size());
        assertThat(again.found()).isEqualTo(CELLS.size() - 2);
        assertThat(again.statuses().get(id(2)).attempts()).isEqualTo(2);
        assertThat(again.statuses().get(id(2)).error()).isEmpty();
        assertThat(again.statuses().get(id(0)))
                .as("keeps what the first run recorded of it")
                .isEqualTo(outcome.statuses().get(id(0)));
    }

    @Test
    void whatAnotherRunHoldsIsTriedAgainAfterTheOthers() {
        var work = new Work();
        work.held.add(id(1));
        Outcome outcome = run(work, Map.of(), NONE);
        assertThat(work.begun).startsWith(id(0), id(1), id(2)).endsWith(id(1)).hasSize(CELLS.size() + 1);
        assertThat(outcome.count(CellState.DONE)).isEqualTo(CELLS.size());
        assertThat(outcome.statuses().get(id(1)).attempts()).isEqualTo(1);
        var still = new Work();
        still.failing.put(id(1), UserError.conflict("Another run is writing it", "Wait."));
        assertThat(run(still, Map.of(), NONE).statuses().get(id(1)).state()).isEqualTo(CellState.FAILED);
    }

    @Test
    void theLimitsLeaveCellsWaitingAndTheNextRunGoesOn() {
        var work = new Work();
        Outcome some = run(work, Map.of(), new Limits(3, Optional.empty()));
        assertThat(some.stop()).isEqualTo(Stop.MAX_CELLS);
        assertThat(some.ran()).isEqualTo(3);
        assertThat(some.count(CellState.WAITING)).isEqualTo(CELLS.size() - 3);
        Instant until = work.clock.instant().plusSeconds(15);
        Outcome more = run(work, some.statuses(), new Limits(0, Optional.of(until)));
        assertThat(more.stop()).isEqualTo(Stop.UNTIL);
        assertThat(more.ran())
                .as("the second is begun after ten seconds, no third")
                .isEqualTo(2);
        assertThat(run(work, more.statuses(), NONE).stop()).isEqualTo(Stop.NONE);
        assertThat(work.begun).doesNotHaveDuplicates().hasSize(CELLS.size());
    }

    @Test
    void theRowsAreWrittenAtBothEndsAndEveryHalfMinuteWithTheCellThatRuns() {
        var work = new Work();
        run(work, Map.of(), NONE);
        assertThat(journal).hasSize(2 + (CELLS.size() - 1) / 3);
        assertThat(journal.get(0).values())
                .allMatch(status -> status.state() == CellState.WAITING)
                .hasSize(CELLS.size());
        assertThat(journal.get(1).get(id(3)).state()).isEqualTo(CellState.RUNNING);
        assertThat(journal.get(1).get(id(2)).state()).isEqualTo(CellState.DONE);
        assertThat(journal.get(1).get(id(4)).state()).isEqualTo(CellState.WAITING);
    }

    @Test
    void afterAFailureThatEndsEverythingNoCellIsBegun() {
        var work = new Work();
        work.killBefore = 2;
        assertThatThrownBy(() -> run(work, Map.of(), NONE)).isInstanceOf(Kill.class);
        assertThat(work.begun).hasSize(2);
    }

    @Test
    void untilIsTheNextSuchTimeOfDay() {
        var clock = new Moving();
        assertThat(Sweep.next(LocalTime.of(6, 0), clock)).isEqualTo("2026-11-27T06:00:00Z");
        assertThat(Sweep.next(LocalTime.of(23, 0), clock)).isEqualTo("2026-11-26T23:00:00Z");
        assertThat(Duration.between(clock.instant(), Sweep.next(LocalTime.of(22, 0), clock)))
                .isEqualTo(Duration.ofDays(1));
    }
}
