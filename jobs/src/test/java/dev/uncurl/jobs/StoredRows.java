package dev.uncurl.jobs;

import dev.uncurl.jobs.warehouse.UncurlTable;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Rows of a warehouse as text, to compare two warehouses. */
final class StoredRows {
    private StoredRows() {}

    /** All rows of a table, in order. @param columns expressions of SQL, divided by {@code "; "} */
    static List<String> of(Cli cli, UncurlTable table, String columns) {
        return cli.open().table(table).selectExpr(columns.split("; ")).collectAsList().stream()
                .map(row -> IntStream.range(0, row.size())
                        .mapToObj(i -> String.valueOf(row.get(i)))
                        .collect(Collectors.joining(" ")))
                .sorted()
                .toList();
    }
}
