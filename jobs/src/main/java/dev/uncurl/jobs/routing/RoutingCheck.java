package dev.uncurl.jobs.routing;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.routing.RoutingSums;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.apache.spark.sql.Row;

/** Computes routing.expert_statistics and routing.gram again from routing.logits and compares them bit for bit. */
public final class RoutingCheck {
    /** The most differences that a message lists. */
    private static final int NAMED = 5;

    private final Warehouse warehouse;

    public RoutingCheck(Warehouse warehouse) {
        this.warehouse = warehouse;
    }

    /**
     * @param manifestSha256 of the model's present manifest
     * @param data the tokenise run that wrote the task's present rows
     * @throws UserError (input) that lists the differences
     */
    public void verify(RoutingKey dump, String manifestSha256, String data) {
        if (!dump.data().equals(data)) {
            throw UserError.input(
                    "The dump of " + dump + " was made from the data of " + dump.data() + "; the task was tokenised"
                            + " again, as " + data,
                    dump.again());
        }
        var tables = new RoutingTables(warehouse);
        var logits = tables.logits(dump);
        long rows = logits.count();
        Map<Integer, RoutingSums> sums = tables.sums(logits, "verify", rows);
        var differences = new ArrayList<String>();
        if (!dump.manifestSha256().equals(manifestSha256)) {
            differences.add("the dump was made from a model with manifest " + dump.manifestSha256()
                    + ", the model's manifest is " + manifestSha256);
        }
        compare(
                UncurlTable.EXPERT_STATISTICS,
                RoutingTables.statistics(dump, sums),
                dump,
                differences,
                "layer",
                "expert");
        compare(UncurlTable.GRAM, RoutingTables.grams(dump, sums), dump, differences, "layer");
        if (!differences.isEmpty()) {
            throw UserError.input(
                    "The dump of " + dump + " is inconsistent:\n  "
                            + String.join("\n  ", differences.subList(0, Math.min(NAMED, differences.size())))
                            + (differences.size() > NAMED ? "\n  and " + (differences.size() - NAMED) + " more" : ""),
                    "Delete its rows from routing.gram and routing.logits, then run dump-logits again.");
        }
        System.out.printf(
                Locale.ROOT,
                "Router logits of %s: statistics and Gram matrices of %d layers equal the sums of %,d rows%n",
                dump,
                sums.size(),
                rows);
    }

    private void compare(
            UncurlTable table,
            List<? extends Record> expected,
            RoutingKey dump,
            List<String> differences,
            String... key) {
        var stored = warehouse.rows(table, dump.partition());
        var schema = stored.schema();
        var columns =
                Arrays.stream(key).map(org.apache.spark.sql.functions::col).toArray(org.apache.spark.sql.Column[]::new);
        List<Row> found = stored.orderBy(columns).collectAsList();
        List<Row> wanted =
                Records.frame(warehouse, table, expected).orderBy(columns).collectAsList();
        if (found.size() != wanted.size()) {
            differences.add(table.id() + " has " + found.size() + " rows, routing.logits gives " + wanted.size());
            return;
        }
        for (int r = 0; r < found.size(); r++) {
            for (String column : schema.fieldNames()) {
                Object is = found.get(r).getAs(column);
                Object should = wanted.get(r).getAs(column);
                if (!Objects.equals(is, should)) {
                    var place = new ArrayList<String>();
                    for (String name : key) {
                        place.add(name + " " + found.get(r).getAs(name));
                    }
                    differences.add(table.id() + ", " + String.join(", ", place) + ": " + column + " is " + brief(is)
                            + ", routing.logits gives " + brief(should));
                }
            }
        }
    }

    private static String brief(Object value) {
        String text = String.valueOf(value);
        return text.length() > 60 ? text.substring(0, 60) + "..." : text;
    }
}
