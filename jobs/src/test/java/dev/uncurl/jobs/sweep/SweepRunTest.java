package dev.uncurl.jobs.sweep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
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
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CyclicBarrier;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

class SweepRunTest {
    private static final List<Cell> CELLS = Sweeps.cells(Sweeps.config(), Sweeps.model("m", 8));
    private static final Limits NONE = new Limits(0, Optional.empty());

    private final List<Map<String, CellStatus>> journal = new ArrayList<>();

    private Outcome run(RecordedWork work, Map<String, CellStatus> before, Limits limits) {
        return run(work, before, limits, 1);
    }

    private Outcome run(CellWork work, Clock clock, int workers) {
        return run(work, clock, Map.of(), NONE, workers);
    }

    private Outcome run(RecordedWork work, Map<String, CellStatus> before, Limits limits, int workers) {
        return run(work, work.clock, before, limits, workers);
    }

    private Outcome run(CellWork work, Clock clock, Map<String, CellStatus> before, Limits limits, int workers) {
        var quiet = new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);
        var board = new CellBoard(
                rows -> {
                    synchronized (journal) {
                        journal.add(new LinkedHashMap<>(rows));
                    }
                },
                clock);
        board.begin(CELLS, before, work::find);
        var run = new SweepRun(board, new SweepProgress(quiet), clock, limits);
        run.pass("cells", work, CELLS, new Workers(workers, number -> {}, Duration.ofMillis(1)));
        return run.end();
    }

    private static String id(int cell) {
        return CELLS.get(cell).id();
    }

    @Property(tries = 60)
    void killedAnywhereAnyNumberOfTimesTheEndIsThatOfAnUndisturbedRunAndNoCellIsDoneTwice(
            @ForAll @Size(min = 1, max = 4) List<@IntRange(min = 0, max = 26) Integer> kills) {
        journal.clear();
        var undisturbed = new RecordedWork();
        Outcome expected = run(undisturbed, Map.of(), NONE);
        var work = new RecordedWork();
        Map<String, CellStatus> before = Map.of();
        for (int kill : kills) {
            work.killBefore = work.begun.size() + kill;
            try {
                run(work, before, NONE);
            } catch (RecordedWork.Kill e) {
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
        var work = new RecordedWork();
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
        var work = new RecordedWork();
        work.held.add(id(1));
        Outcome outcome = run(work, Map.of(), NONE);
        assertThat(work.begun).startsWith(id(0), id(1), id(2)).endsWith(id(1)).hasSize(CELLS.size() + 1);
        assertThat(outcome.count(CellState.DONE)).isEqualTo(CELLS.size());
        assertThat(outcome.statuses().get(id(1)).attempts()).isEqualTo(1);
        var still = new RecordedWork();
        still.failing.put(id(1), UserError.conflict("Another run is writing it", "Wait."));
        assertThat(run(still, Map.of(), NONE).statuses().get(id(1)).state()).isEqualTo(CellState.FAILED);
    }

    @Test
    void theLimitsLeaveCellsWaitingAndTheNextRunGoesOn() {
        var work = new RecordedWork();
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
        var work = new RecordedWork();
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
        var work = new RecordedWork();
        work.killBefore = 2;
        assertThatThrownBy(() -> run(work, Map.of(), NONE)).isInstanceOf(RecordedWork.Kill.class);
        assertThat(work.begun).hasSize(2);
    }

    @Property(tries = 40)
    void cellsSideBySideEndAsOneAfterAnother(
            @ForAll @IntRange(min = 2, max = 6) int workers,
            @ForAll @Size(max = 5) Set<@IntRange(min = 0, max = 26) Integer> failing,
            @ForAll @Size(max = 5) Set<@IntRange(min = 0, max = 26) Integer> held) {
        var work = new RecordedWork();
        var alone = new RecordedWork();
        for (RecordedWork each : List.of(work, alone)) {
            failing.forEach(cell -> each.failing.put(id(cell), UserError.input("No room", "Make some.")));
            held.forEach(cell -> each.held.add(id(cell)));
        }
        Outcome outcome = run(work, Map.of(), NONE, workers);
        Outcome expected = run(alone, Map.of(), NONE, 1);
        assertThat(work.begun).containsExactlyInAnyOrderElementsOf(alone.begun);
        assertThat(outcome.ran()).isEqualTo(expected.ran());
        outcome.statuses().forEach((id, status) -> {
            CellStatus other = expected.statuses().get(id);
            assertThat(status.state()).isEqualTo(other.state());
            assertThat(status.results()).isEqualTo(other.results());
            assertThat(status.error()).isEqualTo(other.error());
            assertThat(status.attempts()).isEqualTo(other.attempts());
        });
    }

    @Test
    void cellsSideBySideAreBegunInTheirOrder() {
        int workers = 4;
        int cells = 6 * workers;
        var work = new RecordedWork();
        work.together = new CyclicBarrier(workers);
        Outcome some = run(work, Map.of(), new Limits(cells, Optional.empty()), workers);
        assertThat(some.ran()).isEqualTo(cells);
        for (int from = 0; from < cells; from += workers) {
            assertThat(work.begun.subList(from, from + workers))
                    .containsExactlyInAnyOrder(id(from), id(from + 1), id(from + 2), id(from + 3));
        }
    }

    @RepeatedTest(5)
    void sweepsAtOnceShareTheCellsAndEachIsDoneOnce() {
        Set<String> there = ConcurrentHashMap.newKeySet();
        Set<String> leases = ConcurrentHashMap.newKeySet();
        List<String> made = Collections.synchronizedList(new ArrayList<>());
        List<Outcome> outcomes = Stream.of(1, 2, 3)
                .map(workers -> CompletableFuture.supplyAsync(
                        () -> run(new SharedWork(there, leases, made), Clock.systemUTC(), workers)))
                .toList()
                .stream()
                .map(CompletableFuture::join)
                .toList();
        assertThat(made).doesNotHaveDuplicates().hasSize(CELLS.size());
        for (Outcome outcome : outcomes) {
            assertThat(outcome.count(CellState.DONE)).isEqualTo(CELLS.size());
            assertThat(outcome.found() + outcome.ran()).isEqualTo(CELLS.size());
        }
        assertThat(outcomes.stream().mapToInt(Outcome::ran).sum()).isEqualTo(CELLS.size());
    }

    @Test
    void untilIsTheNextSuchTimeOfDay() {
        var clock = new RecordedWork.Moving();
        assertThat(Sweep.next(LocalTime.of(6, 0), clock)).isEqualTo("2026-11-27T06:00:00Z");
        assertThat(Sweep.next(LocalTime.of(23, 0), clock)).isEqualTo("2026-11-26T23:00:00Z");
        assertThat(Duration.between(clock.instant(), Sweep.next(LocalTime.of(22, 0), clock)))
                .isEqualTo(Duration.ofDays(1));
    }
}
