package dev.uncurl.jobs.export;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.uncurl.error.UserError;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;

/**
 * The part of MLflow's REST API (version 2.0) that tracks runs, as its documentation describes it. Nothing is tried twice: a request
 * that failed may have been carried out, and the export can be run again.
 */
final class MlflowClient {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final Duration TIMEOUT = Duration.ofSeconds(30);
    private static final int PAGE = 1000;

    /** The most that one request may log, by the documentation. */
    private static final int MOST_PARAMS = 100;

    /** Longest value of a parameter or tag that every server takes. */
    private static final int LONGEST = 500;

    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(TIMEOUT).build();
    private final URI api;
    private final Optional<String> authorization;

    /**
     * @param server its address, such as http://localhost:5000
     * @param authorization value of the header of that name
     */
    MlflowClient(URI server, Optional<String> authorization) {
        this.api = URI.create(server.toString().replaceAll("/+$", "") + "/api/2.0/mlflow/");
        this.authorization = authorization;
    }

    /** A run that is there. */
    record Known(String runId, String status) {}

    /** The id of the experiment of a name, which is made unless it is there. */
    String experiment(String name) {
        String query = "experiments/get-by-name?experiment_name=" + URLEncoder.encode(name, StandardCharsets.UTF_8);
        HttpResponse<String> found = send(request(query).GET().build());
        if (found.statusCode() == 404) {
            return post("experiments/create", JSON.createObjectNode().put("name", name))
                    .path("experiment_id")
                    .asText();
        }
        JsonNode experiment = json(query, found).path("experiment");
        if (experiment.path("lifecycle_stage").asText("active").equals("deleted")) {
            throw UserError.conflict(
                    "Experiment " + name + " was deleted on " + api.getHost(),
                    "Restore it there, or name another one with --experiment.");
        }
        return experiment.path("experiment_id").asText();
    }

    /**
     * The active runs of an experiment that have two tags.
     *
     * @param key tag whose value identifies a run among them
     * @return by that value; of two runs with the same value the one that began first
     */
    Map<String, Known> runs(String experiment, SortedMap<String, String> tags, String key) {
        var request = JSON.createObjectNode();
        request.putArray("experiment_ids").add(experiment);
        request.put("filter", filter(tags));
        request.put("run_view_type", "ACTIVE_ONLY");
        request.put("max_results", PAGE);
        request.putArray("order_by").add("attributes.start_time ASC");
        var known = new LinkedHashMap<String, Known>();
        while (true) {
            JsonNode page = post("runs/search", request);
            for (JsonNode run : page.path("runs")) {
                for (JsonNode tag : run.path("data").path("tags")) {
                    if (tag.path("key").asText().equals(key)) {
                        JsonNode info = run.path("info");
                        known.putIfAbsent(
                                tag.path("value").asText(),
                                new Known(
                                        info.path("run_id").asText(),
                                        info.path("status").asText()));
                    }
                }
            }
            String next = page.path("next_page_token").asText("");
            if (next.isEmpty()) {
                return known;
            }
            request.put("page_token", next);
        }
    }

    private static String filter(SortedMap<String, String> tags) {
        var filter = new StringBuilder();
        tags.forEach((tag, value) -> filter.append(filter.isEmpty() ? "" : " and ")
                .append("tags.`")
                .append(tag)
                .append("` = '")
                .append(value)
                .append("'"));
        return filter.toString();
    }

    /** Makes a run that begins now. @return its id */
    String create(String experiment, String name, long startMillis, SortedMap<String, String> tags) {
        ObjectNode request = JSON.createObjectNode()
                .put("experiment_id", experiment)
                .put("run_name", name)
                .put("start_time", startMillis);
        request.set("tags", pairs(tags));
        return post("runs/create", request)
                .path("run")
                .path("info")
                .path("run_id")
                .asText();
    }

    /** Logs parameters, tags and metrics of a run. The same again changes nothing. */
    void log(String runId, TrackedRun run) {
        ObjectNode request = JSON.createObjectNode().put("run_id", runId);
        ArrayNode metrics = request.putArray("metrics");
        run.metrics().forEach((key, value) -> metrics.addObject()
                .put("key", key)
                .put("value", value)
                .put("timestamp", run.millis())
                .put("step", 0));
        if (run.params().size() > MOST_PARAMS) {
            throw new IllegalStateException("A cell has " + run.params().size() + " parameters");
        }
        request.set("params", pairs(run.params()));
        request.set("tags", pairs(run.tags()));
        post("runs/log-batch", request);
    }

    void end(String runId, String status, long endMillis) {
        ObjectNode request = JSON.createObjectNode().put("run_id", runId).put("status", status);
        if (!status.equals("RUNNING")) {
            request.put("end_time", endMillis);
        }
        post("runs/update", request);
    }

    private static ArrayNode pairs(SortedMap<String, String> values) {
        ArrayNode pairs = JSON.createArrayNode();
        values.forEach((key, value) -> pairs.addObject()
                .put("key", key)
                .put("value", value.length() <= LONGEST ? value : value.substring(0, LONGEST - 1) + "…"));
        return pairs;
    }

    private HttpRequest.Builder request(String path) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(api.resolve(path)).timeout(TIMEOUT).header("Accept", "application/json");
        authorization.ifPresent(value -> request.header("Authorization", value));
        return request;
    }

    private JsonNode post(String path, ObjectNode body) {
        HttpRequest request = request(path)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body.toString()))
                .build();
        return json(path, send(request));
    }

    private HttpResponse<String> send(HttpRequest request) {
        try {
            return http.send(request, HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw UserError.input(
                    "The tracking server " + api.getScheme() + "://" + api.getAuthority() + " cannot be reached: "
                            + e.getClass().getSimpleName() + (e.getMessage() == null ? "" : " " + e.getMessage()),
                    "Correct --mlflow, or run it again when the server is there: what was exported is found.",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for " + request.uri(), e);
        }
    }

    /** @throws UserError (input) for an answer that is not success */
    private JsonNode json(String path, HttpResponse<String> response) {
        if (response.statusCode() != 200) {
            String said = response.body().lines().findFirst().orElse("");
            throw UserError.input(
                    "The tracking server answered " + path + " with " + response.statusCode() + ": "
                            + said.substring(0, Math.min(said.length(), LONGEST)),
                    response.statusCode() == 401 || response.statusCode() == 403
                            ? "Set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD."
                            : "Correct what it says, and run it again: what was exported is found.");
        }
        try {
            return JSON.readTree(response.body());
        } catch (IOException e) {
            throw new UncheckedIOException("reading the answer to " + path + " as JSON", e);
        }
    }
}
