package dev.uncurl.jobs.report;

import dev.uncurl.jobs.routing.RoutingFixture;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.apache.spark.sql.RowFactory;
import scala.collection.JavaConverters;

/** Rows of sweep.cells and of what its cells made, as if a sweep had run: plans, scored examples, results. */
final class SweptTables {
    static final String TASK = "superglue/boolq";
    static final String OTHER = "superglue/copa";
    static final String RUN = TASK + "@0123456789ab";
    static final String DATA = RUN + " first 150";
    static final int EXAMPLES = 150;

    private final Warehouse warehouse;
    private final Map<UncurlTable, List<Map<String, Object>>> rows = new EnumMap<>(UncurlTable.class);
    private final Set<String> scored = new HashSet<>();
    private int position;

    SweptTables(Warehouse warehouse) {
        this.warehouse = warehouse;
    }

    void write() {
        rows.forEach((table, added) -> RoutingFixture.append(warehouse, table, added));
        rows.clear();
    }

    private void add(UncurlTable table, Map<String, Object> row) {
        rows.computeIfAbsent(table, none -> new ArrayList<>()).add(row);
    }

    /** The sha256 of a registered model. */
    String sha(String model) {
        return new Models(warehouse).registered(model).orElse("sha-" + model);
    }

    /** A cell that is done, without the columns of a plan. */
    Map<String, Object> cell(String date, String role, String model, int experts, String results, double loss) {
        scored(results, results.equals(model) ? sha(model) : "sha-" + results, loss);
        var cell = new LinkedHashMap<String, Object>();
        cell.put("sweep", "s");
        cell.put("as_of", date);
        cell.put("position", ++position);
        cell.put("cell_id", "cell " + position);
        cell.put("role", role);
        cell.put("model_id", model);
        cell.put("model_sha256", sha(model));
        cell.put("experts_before", experts);
        cell.put("task", TASK);
        cell.put("data", RUN);
        cell.put("split", "validation");
        cell.put("state", "done");
        cell.put("attempts", 1);
        cell.put("seconds", 2.5);
        cell.put("results_id", results);
        cell.put("command", "jobs/submit sweep --config sweep/demo --as-of " + date);
        add(UncurlTable.CELLS, cell);
        return cell;
    }

    /** Columns of the plan of a cell; makes the plan, too. */
    void plan(
            Map<String, Object> cell,
            String id,
            String method,
            String budget,
            String task,
            int keep,
            long seed,
            String router,
            int... clusters) {
        cell.putAll(Map.of(
                "plan_task", task,
                "plan_data", task + "@run",
                "method", method,
                "weights", "frequency",
                "budget", budget,
                "parameters", map(Map.of("weights", "frequency", "budget", budget)),
                "experts_after", keep,
                "seed", seed,
                "router", router,
                "plan_id", id));
        if (!scored.add("plan " + id)) {
            return;
        }
        int experts = (Integer) cell.get("experts_before");
        var layers = new ArrayList<Object>();
        for (int l = 0; l < clusters.length; l++) {
            layers.add(RowFactory.create(2 * l + 1, experts, clusters[l], 1.5, 0.25, 0.125));
            for (int expert = 0; expert < experts; expert++) {
                boolean dropped = router.equals("mask") && expert >= clusters[l];
                add(
                        UncurlTable.ASSIGNMENTS,
                        Map.of(
                                "plan_id",
                                id,
                                "model_id",
                                cell.get("model_id"),
                                "task",
                                task,
                                "layer",
                                2 * l + 1,
                                "expert",
                                expert,
                                "cluster",
                                dropped ? -1 : expert % clusters[l],
                                "weight",
                                1.0,
                                "is_reference",
                                expert < clusters[l]));
            }
        }
        var plan = new HashMap<String, Object>(cell);
        plan.keySet()
                .retainAll(Set.of(
                        "plan_id",
                        "model_id",
                        "method",
                        "weights",
                        "budget",
                        "experts_before",
                        "experts_after",
                        "seed"));
        plan.putAll(Map.of(
                "manifest_sha256",
                cell.get("model_sha256"),
                "task",
                task,
                "split",
                "train",
                "parameters",
                map(Map.of()),
                "layers",
                layers.toArray()));
        add(UncurlTable.PLANS, plan);
    }

    static Object map(Map<String, String> map) {
        return JavaConverters.mapAsScalaMap(map);
    }

    /** Examples with losses around a mean that are alike for all models, and their metrics. */
    private void scored(String id, String sha256, double loss) {
        if (!scored.add(id)) {
            return;
        }
        var noise = new Random(id.hashCode());
        double losses = 0;
        long tokens = 0;
        int right = 0;
        for (int i = 0; i < EXAMPLES; i++) {
            int length = 20 + i % 7;
            double perToken = loss + 0.3 * new Random(i).nextGaussian() + 0.02 * noise.nextGaussian();
            int prediction = noise.nextDouble() < 1.6 - loss / 2 ? 1 : 0;
            losses += length * perToken;
            tokens += length;
            right += prediction;
            var row = new HashMap<String, Object>(Map.of(
                    "model_id",
                    id,
                    "task",
                    TASK,
                    "split",
                    "validation",
                    "example_id",
                    (long) i,
                    "log_likelihoods",
                    new double[] {-1.0 - prediction, prediction - 2.0},
                    "prediction",
                    prediction,
                    "label",
                    1,
                    "data",
                    DATA,
                    "prompt_version",
                    "2.0",
                    "manifest_sha256",
                    sha256));
            row.putAll(Map.of(
                    "text_loss",
                    length * perToken,
                    "text_tokens",
                    length,
                    "target_loss",
                    perToken,
                    "target_tokens",
                    1));
            add(UncurlTable.SCORED, row);
        }
        result(id, sha256, "loss_per_token", losses / tokens, tokens);
        result(id, sha256, "acc", right / (double) EXAMPLES, EXAMPLES);
    }

    private void result(String id, String sha256, String metric, double value, long n) {
        add(
                UncurlTable.RESULTS,
                Map.of(
                        "model_id", id,
                        "task", TASK,
                        "split", "validation",
                        "metric", metric,
                        "value", value,
                        "n", n,
                        "standard_error", 0.01,
                        "manifest_sha256", sha256,
                        "data", DATA,
                        "prompt_version", "2.0"));
    }

    /** A registered model that is only a row. */
    void registered(String id, long parameters, long bytes) {
        add(
                UncurlTable.REGISTRY,
                Map.of(
                        "model_id",
                        id,
                        "stage",
                        "finetune",
                        "manifest_sha256",
                        "sha-" + id,
                        "config",
                        "{}",
                        "parameters",
                        parameters,
                        "bytes",
                        bytes));
    }

    /** A timed model, in one run with others. */
    void timed(String run, String model, String sha256, int batch, double ms) {
        add(
                UncurlTable.LATENCY,
                Map.of(
                        "model_id", model,
                        "executors", 1,
                        "batch", batch,
                        "sequence_length", 24,
                        "experts", 8,
                        "p50_ms", ms,
                        "p95_ms", ms,
                        "tokens_per_second", 1.0,
                        "manifest_sha256", sha256,
                        "run_id", run));
    }

    /** A cell that failed. */
    void failed(String date, String model, int experts) {
        Map<String, Object> cell = cell(date, "method", model, experts, model, 0);
        plan(cell, "plan-failed", "spectral", "uniform", TASK, 1, 1, "map", 1, 1);
        cell.put("state", "failed");
        cell.put("error", "The 8 experts of layer 1 do not fit: see <there>");
        cell.remove("results_id");
        cell.remove("plan_id");
    }
}
