package dev.uncurl.jobs.evaluate;

import dev.uncurl.jobs.routing.RoutingFixture;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.ResultRow;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import scala.collection.JavaConverters;

/** Rows of models.registry, pruning.plans and evaluation.examples, as if models had been made and scored; {@link #write} writes them. */
public final class ComparedModels {
    public static final String TASK = "superglue/boolq";

    private static final List<String> METRICS =
            List.of("acc", "acc_norm", "acc_tokens", "loss_per_token", "target_loss_per_token");

    private final Warehouse warehouse;
    private final String split;
    private final Random labels = new Random(1);
    private final int examples;
    private final int[] label;
    private final Map<String, String> hashes = new HashMap<>();
    private final Map<UncurlTable, List<Map<String, Object>>> rows = new EnumMap<>(UncurlTable.class);

    public ComparedModels(Warehouse warehouse, String split, int examples) {
        this.warehouse = warehouse;
        this.split = split;
        this.examples = examples;
        this.label = labels.ints(examples, 0, 2).toArray();
    }

    /** The hash of a model's manifest. */
    private String sha(String id) {
        return hashes.computeIfAbsent(
                id, model -> new Models(warehouse).registered(model).orElse("sha-" + model));
    }

    private void add(UncurlTable table, List<? extends Map<String, Object>> added) {
        rows.computeIfAbsent(table, none -> new ArrayList<>()).addAll(added);
    }

    /** Writes what was made since the last call, in one commit per table. */
    public void write() {
        rows.forEach((table, added) -> RoutingFixture.append(warehouse, table, added));
        rows.clear();
    }

    private static Object map(Map<String, String> inputs) {
        return JavaConverters.mapAsScalaMap(inputs);
    }

    /** @param parent null for a model without one */
    public void registered(String id, String parent, String stage, Map<String, String> inputs) {
        var row = new HashMap<String, Object>(Map.of(
                "model_id",
                id,
                "path",
                "models/" + id,
                "stage",
                stage,
                "inputs",
                map(inputs),
                "manifest_sha256",
                "sha-" + id,
                "config",
                "{}"));
        if (parent != null) {
            row.put("parent_model_id", parent);
        }
        hashes.put(id, "sha-" + id);
        add(UncurlTable.REGISTRY, List.of(row));
    }

    /** A model of four experts of eight that was pruned at random. */
    public void random(String id, String parent, int seed, String router) {
        registered(
                id,
                parent,
                "prune",
                Map.of(
                        "method",
                        "random",
                        "experts",
                        "4",
                        "seed",
                        Integer.toString(seed),
                        "plan",
                        plan(parent, seed),
                        "router",
                        router,
                        "parent",
                        sha(parent),
                        "task",
                        TASK));
    }

    public void finetuned(String id, String parent, String settings) {
        registered(id, parent, "finetune", Map.of("parent", sha(parent), "task", TASK, "train", settings));
    }

    /** The plan of {@link #random}. Returns its id. */
    public String plan(String parent, int seed) {
        String id = "0123456789ab" + seed;
        add(
                UncurlTable.PLANS,
                List.of(Map.of(
                        "plan_id",
                        id,
                        "model_id",
                        parent,
                        "manifest_sha256",
                        sha(parent),
                        "task",
                        TASK,
                        "method",
                        "random",
                        "experts_after",
                        4,
                        "seed",
                        (long) seed)));
        return id;
    }

    /**
     * Scores a model: each example is answered rightly with a probability. Per character and per byte, choice 1 is always the likelier one.
     *
     * @param loss per token, nats, more or less
     */
    public List<ResultRow> scored(String id, double accuracy, double loss, long seed) {
        return scored(id, accuracy, loss, seed, examples);
    }

    /** @param first number of examples, the first ones */
    public List<ResultRow> scored(String id, double accuracy, double loss, long seed, int first) {
        var random = new Random(seed);
        var scored = new ArrayList<Map<String, Object>>();
        for (int i = 0; i < first; i++) {
            int prediction = random.nextDouble() < accuracy ? label[i] : 1 - label[i];
            int tokens = 20 + i % 7;
            double perToken = loss + 0.3 * new Random(i).nextGaussian() + 0.02 * random.nextGaussian();
            scored.add(Map.ofEntries(
                    Map.entry("model_id", id),
                    Map.entry("task", TASK),
                    Map.entry("split", split),
                    Map.entry("example_id", (long) i),
                    Map.entry("log_likelihoods", new double[] {-1.0 - prediction, prediction - 2.0}),
                    Map.entry("choice_characters", new int[] {1, 3}),
                    Map.entry("choice_bytes", new int[] {1, 3}),
                    Map.entry("choice_tokens", new int[] {2, 2}),
                    Map.entry("prediction", prediction),
                    Map.entry("label", label[i]),
                    Map.entry("text_loss", tokens * perToken),
                    Map.entry("text_tokens", tokens),
                    Map.entry("target_loss", perToken),
                    Map.entry("target_tokens", 1),
                    Map.entry("manifest_sha256", sha(id)),
                    Map.entry("data", "run"),
                    Map.entry("prompt_version", "2.0")));
        }
        add(UncurlTable.SCORED, scored);
        return results(id);
    }

    private List<ResultRow> results(String id) {
        return METRICS.stream()
                .map(metric -> new ResultRow(
                        id,
                        TASK,
                        split,
                        metric,
                        0,
                        1,
                        0,
                        Optional.empty(),
                        Optional.empty(),
                        Optional.of("2.0"),
                        sha(id),
                        "run",
                        Optional.of(0L),
                        Optional.of(0L),
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty()))
                .toList();
    }
}
