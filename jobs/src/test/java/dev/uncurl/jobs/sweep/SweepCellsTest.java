package dev.uncurl.jobs.sweep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.sweep.CellStatus.Results;
import dev.uncurl.jobs.sweep.SweepTable.CellTime;
import dev.uncurl.jobs.warehouse.row.CellRow;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class SweepCellsTest {
    private static SweepCells cells(SweepConfig config, SweptModel model) {
        return new SweepCells(
                config.sweep(), "2026-11-25", config.searchSpace(), "jobs/submit sweep", Sweeps.cells(config, model));
    }

    private static final SweepCells CELLS = cells(Sweeps.config(), Sweeps.model("m", 8));

    @Test
    void rowsGiveTheStatusesBack() {
        var statuses = new LinkedHashMap<String, CellStatus>();
        List<Cell> all = CELLS.cells();
        statuses.put(
                all.get(0).id(),
                CellStatus.NEW.running().done(1.5, new Results(Optional.empty(), "m", Optional.empty())));
        statuses.put(all.get(1).id(), CellStatus.NEW.running().failed(2, "why"));
        statuses.put(all.get(2).id(), CellStatus.NEW.running());
        statuses.put(
                all.get(3).id(), CellStatus.NEW.found(new Results(Optional.of("p"), "m+p-map", Optional.of("m-p"))));
        Map<String, CellStatus> read = SweepCells.statuses(CELLS.rows(statuses));
        assertThat(read).hasSize(all.size()).containsAllEntriesOf(statuses);
        assertThat(read.get(all.get(4).id())).isEqualTo(CellStatus.NEW);
        assertThat(CELLS.rows(statuses))
                .extracting(CellRow::position)
                .startsWith(1, 2, 3)
                .doesNotHaveDuplicates();
    }

    private static void isRefused(SweepCells now, String... said) {
        assertThatThrownBy(() -> now.requireSame(CELLS.rows(Map.of())))
                .isInstanceOf(UserError.class)
                .hasMessageContainingAll(said)
                .extracting(e -> ((UserError) e).kind().exitCode())
                .isEqualTo(5);
    }

    @Test
    void anotherSearchSpaceUnderTheSameNameAndDateIsRefusedWithTheDifference() {
        assertThatCode(() -> CELLS.requireSame(CELLS.rows(Map.of()))).doesNotThrowAnyException();
        assertThatCode(() -> CELLS.requireSame(List.of())).doesNotThrowAnyException();
        isRefused(
                cells(Sweeps.config("experts=[4]", "align=false"), Sweeps.model("m", 8)),
                "Sweep demo of 2026-11-25",
                "align: true there, false asked for",
                "experts: [4,2] there, [4] asked for",
                "DELETE FROM sweep.cells WHERE sweep = 'demo' AND as_of = '2026-11-25'");
        isRefused(
                cells(Sweeps.config(), new SweptModel("m", "new", 8)),
                "of other models or data",
                "model m: sha of m there, new asked for");
        isRefused(cells(Sweeps.config(), Sweeps.model("n", 8)), "model m: sha of m there, null asked for");
    }

    @Test
    void theStatusSaysHowFarItIsWhatFailedAndWhereToLook() {
        var statuses = new LinkedHashMap<String, CellStatus>();
        statuses.put(
                CELLS.cells().get(0).id(),
                CellStatus.NEW.running().done(90, new Results(Optional.empty(), "m", Optional.empty())));
        statuses.put(CELLS.cells().get(1).id(), CellStatus.NEW.running().failed(30, "No room\n  Make some."));
        String text = SweepText.status("demo", "2026-11-25", "/srv/my sweeps", CELLS.rows(statuses));
        assertThat(text)
                .startsWith("Sweep demo of 2026-11-25: 1 of 27 cells done, 1 failed, 25 left; 2 min in cells\n")
                .contains("failed, attempt 1: uncurl 4 of 8, seed 1, map: m on flan\n      No room\n        Make some.")
                .contains(
                        "Results: jobs/submit sql --warehouse '/srv/my sweeps' \"SELECT * FROM sweep_results WHERE sweep = 'demo' AND as_of = '2026-11-25'")
                .endsWith("Report: jobs/submit report sweep --sweep demo --as-of 2026-11-25 --out demo-2026-11-25.html"
                        + " --warehouse '/srv/my sweeps'\n");
        CELLS.rows(Map.of()).forEach(row -> assertThat(SweepText.name(row))
                .isEqualTo(CELLS.cells().get(row.position() - 1).toString()));
    }

    @Test
    void theNotificationIsJsonWithTheFailures() throws IOException {
        var failed = Map.of(CELLS.cells().get(1).id(), CellStatus.NEW.running().failed(60, "No room"));
        var failures = Notification.failures(CELLS.rows(failed));
        var json = new ObjectMapper()
                .readTree(new Notification(
                                "demo",
                                "2026-11-25",
                                7,
                                31,
                                30,
                                31,
                                1,
                                0,
                                12.5,
                                "nothing",
                                failures,
                                null,
                                "line",
                                "SQL",
                                "report line")
                        .json());
        assertThat(json.get("exit_code").asInt()).isEqualTo(7);
        assertThat(json.get("as_of").asText()).isEqualTo("2026-11-25");
        assertThat(json.get("failures")).hasSize(1);
        assertThat(json.get("failures").get(0).get("cell").asText()).startsWith("uncurl 4 of 8");
        assertThat(json.get("failures").get(0).get("error").asText()).isEqualTo("No room");
        assertThat(json.get("error").isNull()).isTrue();
    }

    @Test
    void theExpectedTimeIsThatOfTheMostSimilarCells() {
        List<Cell> missing = CELLS.cells().subList(0, 3);
        var far = new CellTime("other", "t", "method", Optional.empty(), 7);
        var near = new CellTime("m", "t", "method", Optional.empty(), 5);
        var same = new CellTime("m", "flan", "random", Optional.empty(), 1);
        var alike = new CellTime("m", "flan", "method", Optional.empty(), 2);
        assertThat(Forecast.seconds(missing, List.of())).isEmpty();
        assertThat(Forecast.seconds(missing, List.of(far)).orElseThrow()).isEqualTo(21);
        assertThat(Forecast.seconds(missing, List.of(far, near)).orElseThrow()).isEqualTo(15);
        assertThat(Forecast.seconds(missing, List.of(far, near, same, alike)).orElseThrow())
                .isCloseTo(4.5, within(1e-12));
        assertThat(Forecast.seconds(List.of(), List.of()).orElseThrow()).isZero();
    }
}
