package dev.uncurl.jobs.sweep;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.uncurl.jobs.warehouse.row.CellRow;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * What a run of a sweep says at its end, for whatever mails or posts it.
 *
 * @param exitCode of the process: 0, 7 if cells failed, or that of {@code error}
 * @param done cells whose results are there
 * @param ran cells that this run began
 * @param left cells that no run has begun or ended
 * @param stopped why cells are left: max-cells, until, or nothing
 * @param failures every failed cell
 * @param error why the run ended before its cells; null if it did not
 * @param command that goes on
 * @param results the statement that shows the results
 * @param report the command that draws them
 */
record Notification(
        String sweep,
        String asOf,
        int exitCode,
        int cells,
        long done,
        int ran,
        long failed,
        long left,
        double seconds,
        String stopped,
        List<Failure> failures,
        String error,
        String command,
        String results,
        String report) {
    /** A failed cell. */
    record Failure(String cell, String cellId, int attempts, String error) {}

    private static final JsonMapper MAPPER = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(com.fasterxml.jackson.databind.SerializationFeature.INDENT_OUTPUT)
            .build();

    static List<Failure> failures(List<CellRow> rows) {
        return rows.stream()
                .filter(row -> row.state().equals(CellState.FAILED.id()))
                .map(row -> new Failure(
                        SweepText.name(row),
                        row.cellId(),
                        row.attempts(),
                        row.error().orElse("")))
                .toList();
    }

    byte[] json() throws JsonProcessingException {
        return (MAPPER.writeValueAsString(this) + "\n").getBytes(StandardCharsets.UTF_8);
    }
}
