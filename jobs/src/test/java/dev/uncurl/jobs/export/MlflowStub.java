package dev.uncurl.jobs.export;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A tracking server in memory: the documented endpoints that an export uses, with their documented fields. It refuses every other
 * field, a parameter that is changed, and more than a request may log; it gives runs in pages of two.
 */
final class MlflowStub implements AutoCloseable {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final int PAGE = 2;
    private static final Pattern TAG = Pattern.compile("tags\\.`([^`]+)` = '([^']*)'");
    private static final Set<String> STATES = Set.of("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED");

    /** Fields of requests; those with a star are required. */
    private static final Map<String, Set<String>> FIELDS = Map.of(
            "experiments/create", Set.of("name*", "artifact_location", "tags"),
            "runs/create", Set.of("experiment_id*", "user_id", "run_name", "start_time", "tags"),
            "runs/log-batch", Set.of("run_id*", "metrics", "params", "tags"),
            "runs/update", Set.of("run_id*", "status", "end_time", "run_name"),
            "runs/search", Set.of("experiment_ids", "filter", "run_view_type", "max_results", "order_by", "page_token"),
            "metric", Set.of("key*", "value*", "timestamp*", "step"),
            "pair", Set.of("key*", "value*"));

    static final class Run {
        final Map<String, String> tags = new TreeMap<>();
        final Map<String, String> params = new TreeMap<>();
        final Map<String, Double> metrics = new TreeMap<>();
        String name;
        String status = "RUNNING";
    }

    private static final class Refused extends RuntimeException {
        private static final long serialVersionUID = 1L;
        final int code;

        Refused(int code, String message) {
            super(message);
            this.code = code;
        }
    }

    final Map<String, String> experiments = new LinkedHashMap<>();
    final Map<String, Run> runs = new LinkedHashMap<>();
    final List<String> requests = new ArrayList<>();
    final Set<String> authorizations = new HashSet<>();

    /** Number of requests after which the server answers 503; a large one: never. */
    int failAfter = Integer.MAX_VALUE;

    private final HttpServer http;

    MlflowStub() throws IOException {
        http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        http.createContext("/api/2.0/mlflow/", this::answer);
        http.start();
    }

    URI address() {
        return URI.create("http://127.0.0.1:" + http.getAddress().getPort());
    }

    @Override
    public void close() {
        http.stop(0);
    }

    private synchronized void answer(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath().substring("/api/2.0/mlflow/".length());
        requests.add(path);
        authorizations.add(String.valueOf(exchange.getRequestHeaders().getFirst("Authorization")));
        int code = 200;
        JsonNode body;
        try {
            if (requests.size() > failAfter) {
                throw new Refused(503, "the database is away");
            }
            body = exchange.getRequestMethod().equals("GET")
                    ? byName(path, exchange.getRequestURI().getRawQuery())
                    : post(path, exchange);
        } catch (Refused e) {
            code = e.code;
            body = JSON.createObjectNode()
                    .put("error_code", code == 404 ? "RESOURCE_DOES_NOT_EXIST" : "INVALID_PARAMETER_VALUE")
                    .put("message", e.getMessage());
        }
        byte[] bytes = JSON.writeValueAsBytes(body);
        exchange.sendResponseHeaders(code, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    private JsonNode byName(String path, String query) {
        if (!path.equals("experiments/get-by-name") || !query.matches("experiment_name=[^&]+")) {
            throw new Refused(404, "no such endpoint: " + path + "?" + query);
        }
        String name = URLDecoder.decode(query.substring(query.indexOf('=') + 1), StandardCharsets.UTF_8);
        if (!experiments.containsKey(name)) {
            throw new Refused(404, "no experiment " + name);
        }
        ObjectNode answer = JSON.createObjectNode();
        answer.putObject("experiment")
                .put("experiment_id", experiments.get(name))
                .put("name", name)
                .put("lifecycle_stage", "active");
        return answer;
    }

    private JsonNode post(String path, HttpExchange exchange) throws IOException {
        if (!"application/json".equals(exchange.getRequestHeaders().getFirst("Content-Type"))) {
            throw new Refused(400, "the content type is not application/json");
        }
        JsonNode request = JSON.readTree(exchange.getRequestBody());
        require(path, request);
        return switch (path) {
            case "experiments/create" -> createExperiment(request);
            case "runs/create" -> create(request);
            case "runs/log-batch" -> log(request);
            case "runs/update" -> update(request);
            case "runs/search" -> search(request);
            default -> throw new Refused(404, "no such endpoint: " + path);
        };
    }

    private static void require(String what, JsonNode object) {
        Set<String> fields = FIELDS.getOrDefault(what, Set.of());
        object.fieldNames().forEachRemaining(name -> {
            if (!fields.contains(name) && !fields.contains(name + "*")) {
                throw new Refused(400, what + " has no field " + name);
            }
        });
        for (String field : fields) {
            if (field.endsWith("*") && !object.hasNonNull(field.replace("*", ""))) {
                throw new Refused(400, what + " needs " + field);
            }
        }
    }

    private JsonNode createExperiment(JsonNode request) {
        String name = request.get("name").asText();
        if (experiments.containsKey(name)) {
            throw new Refused(400, "RESOURCE_ALREADY_EXISTS");
        }
        experiments.put(name, Integer.toString(experiments.size() + 1));
        return JSON.createObjectNode().put("experiment_id", experiments.get(name));
    }

    private JsonNode create(JsonNode request) {
        if (!experiments.containsValue(request.get("experiment_id").asText())
                || !request.get("start_time").isIntegralNumber()) {
            throw new Refused(400, "no such experiment, or no time");
        }
        var run = new Run();
        run.name = request.get("run_name").asText();
        request.get("tags").forEach(tag -> put(run.tags, tag));
        String id = "run-" + runs.size();
        runs.put(id, run);
        ObjectNode answer = JSON.createObjectNode();
        answer.putObject("run").putObject("info").put("run_id", id).put("status", run.status);
        return answer;
    }

    private static void put(Map<String, String> all, JsonNode pair) {
        require("pair", pair);
        if (!pair.get("value").isTextual()) {
            throw new Refused(400, "not a string: " + pair);
        }
        all.put(pair.get("key").asText(), pair.get("value").asText());
    }

    private Run run(JsonNode request) {
        Run run = runs.get(request.get("run_id").asText());
        if (run == null) {
            throw new Refused(404, "no such run");
        }
        return run;
    }

    private JsonNode log(JsonNode request) {
        Run run = run(request);
        if (request.path("metrics").size() > 1000
                || request.path("params").size() > 100
                || request.path("tags").size() > 100) {
            throw new Refused(400, "too many");
        }
        for (JsonNode metric : request.path("metrics")) {
            require("metric", metric);
            if (!metric.get("key").asText().matches("[\\w. /:-]+")
                    || !metric.get("value").isNumber()) {
                throw new Refused(400, "no metric: " + metric);
            }
            run.metrics.put(metric.get("key").asText(), metric.get("value").asDouble());
        }
        var params = new TreeMap<String, String>();
        request.path("params").forEach(param -> put(params, param));
        params.forEach((key, value) -> {
            String before = run.params.putIfAbsent(key, value);
            if (before != null && !before.equals(value)) {
                throw new Refused(400, "param " + key + " was " + before);
            }
        });
        request.path("tags").forEach(tag -> put(run.tags, tag));
        return JSON.createObjectNode();
    }

    private JsonNode update(JsonNode request) {
        Run run = run(request);
        run.status = request.path("status").asText();
        if (!STATES.contains(run.status) || run.status.equals("RUNNING") == request.has("end_time")) {
            throw new Refused(400, "no state: " + request);
        }
        ObjectNode answer = JSON.createObjectNode();
        answer.putObject("run_info").put("status", run.status);
        return answer;
    }

    private JsonNode search(JsonNode request) {
        var wanted = new TreeMap<String, String>();
        for (String term : request.get("filter").asText().split(" and ")) {
            Matcher tag = TAG.matcher(term);
            if (!tag.matches()) {
                throw new Refused(400, "no filter: " + term);
            }
            wanted.put(tag.group(1), tag.group(2));
        }
        List<Map.Entry<String, Run>> found = runs.entrySet().stream()
                .filter(run -> run.getValue().tags.entrySet().containsAll(wanted.entrySet()))
                .toList();
        int from = request.path("page_token").asInt(0);
        ObjectNode answer = JSON.createObjectNode();
        var page = answer.putArray("runs");
        for (Map.Entry<String, Run> run : found.subList(from, Math.min(found.size(), from + PAGE))) {
            ObjectNode one = page.addObject();
            one.putObject("info").put("run_id", run.getKey()).put("status", run.getValue().status);
            var tags = one.putObject("data").putArray("tags");
            run.getValue()
                    .tags
                    .forEach((key, value) -> tags.addObject().put("key", key).put("value", value));
        }
        if (from + PAGE < found.size()) {
            answer.put("next_page_token", Integer.toString(from + PAGE));
        }
        return answer;
    }
}
