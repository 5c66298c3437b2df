package dev.uncurl.jobs.export;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cli.WarehouseOptions;
import dev.uncurl.jobs.warehouse.PathName;
import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.CellRow;
import dev.uncurl.jobs.warehouse.row.ResultRow;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code jobs/submit export --sweep demo --mlflow http://localhost:5000}. */
@Command(
        name = "export",
        description = {
            "Exports a sweep to an MLflow tracking server: a run for the sweep, and a child of it for each cell that has ended,"
                    + " with its coordinates as parameters and its results as metrics.",
            "Can be repeated: runs that are there are recognised, and none is made twice. The environment variables"
                    + " MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, identify the user."
        },
        footer = {"", "  jobs/submit export --sweep demo --mlflow http://localhost:5000"})
public final class ExportCommand implements Callable<Integer> {
    @Mixin
    private WarehouseOptions warehouseOptions;

    @Option(names = "--sweep", paramLabel = "NAME", required = true, description = "Name of the sweep.")
    private String sweep;

    @Option(
            names = "--as-of",
            paramLabel = "DATE",
            description = "Date of the sweep, such as 2026-11-25 (default: the newest).")
    private String asOf;

    @Option(
            names = "--mlflow",
            paramLabel = "URL",
            required = true,
            description = "Address of the tracking server, such as http://localhost:5000.")
    private String server;

    @Option(
            names = "--experiment",
            paramLabel = "NAME",
            description =
                    "Experiment that gets the runs; made unless it is there (default: uncurl/ and the sweep's name).")
    private String experiment;

    @Override
    public Integer call() {
        PathName.plain("sweep", sweep);
        if (asOf != null && !asOf.matches("\\d{4}-\\d{2}-\\d{2}")) {
            throw UserError.usage("--as-of " + asOf + " is no date", "Write it as 2026-11-25.");
        }
        URI address = address();
        Warehouse warehouse = warehouseOptions.open();
        List<CellRow> cells = cells(warehouse);
        String date = cells.get(0).asOf();
        String into = experiment == null ? "uncurl/" + sweep : experiment;
        var export = new SweepExport(new MlflowClient(address, authorization(System.getenv())), into, sweep, date);
        int written = export.run(cells, results(warehouse, cells));
        System.out.println("Sweep " + sweep + " of " + date + ": " + written + " of " + cells.size()
                + " cells written to experiment " + into + " of " + address
                + "; the others are there, or have not ended");
        return 0;
    }

    private URI address() {
        try {
            URI address = new URI(server);
            if (List.of("http", "https").contains(String.valueOf(address.getScheme())) && address.getHost() != null) {
                return address;
            }
        } catch (URISyntaxException e) {
            throw UserError.usage("--mlflow " + server + " is no address", "Write it as http://HOST:PORT.", e);
        }
        throw UserError.usage("--mlflow " + server + " is no address of a server", "Write it as http://HOST:PORT.");
    }

    /** The header that identifies the user; the variables are those of MLflow's own clients. */
    static Optional<String> authorization(Map<String, String> environment) {
        String token = environment.get("MLFLOW_TRACKING_TOKEN");
        String user = environment.get("MLFLOW_TRACKING_USERNAME");
        if (user != null) {
            String both = user + ":" + environment.getOrDefault("MLFLOW_TRACKING_PASSWORD", "");
            return Optional.of("Basic " + Base64.getEncoder().encodeToString(both.getBytes(StandardCharsets.UTF_8)));
        }
        return Optional.ofNullable(token).map(value -> "Bearer " + value);
    }

    private List<CellRow> cells(Warehouse warehouse) {
        var rows = warehouse.rows(UncurlTable.CELLS, "sweep", sweep);
        String date = asOf != null
                ? asOf
                : rows.select("as_of").distinct().collectAsList().stream()
                        .map(row -> row.getString(0))
                        .max(Comparator.naturalOrder())
                        .orElse("");
        List<CellRow> cells =
                Records.read(warehouse.rows(UncurlTable.CELLS, "sweep", sweep, "as_of", date), CellRow.class).stream()
                        .sorted(Comparator.comparingInt(CellRow::position))
                        .toList();
        if (cells.isEmpty()) {
            throw UserError.input(
                    "There are no cells of sweep " + sweep + (asOf == null ? "" : " of " + asOf) + " in this warehouse",
                    "Run it with sweep, or name another sweep or date.");
        }
        return cells;
    }

    private static List<ResultRow> results(Warehouse warehouse, List<CellRow> cells) {
        Object[] models = cells.stream()
                .flatMap(cell -> cell.resultsId().stream())
                .distinct()
                .toArray();
        var rows = warehouse
                .table(UncurlTable.RESULTS)
                .where(org.apache.spark.sql.functions.col("model_id").isin(models));
        return Records.read(rows, ResultRow.class);
    }
}
