package dev.uncurl.jobs.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Headless Chromium with one tab, driven by its DevTools protocol over a pair of pipes. */
final class Chromium implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Process process;
    private final InputStream answers;
    private final OutputStream requests;
    private final String session;
    private final List<JsonNode> events = new ArrayList<>();
    private int lastId;

    /** The program, if it is installed. */
    static Optional<Path> program() {
        return Stream.of(System.getenv("PATH").split(":"))
                .flatMap(folder -> Stream.of("chromium", "chromium-browser", "google-chrome")
                        .map(name -> Path.of(folder, name)))
                .filter(Files::isExecutable)
                .findFirst();
    }

    /** @param profile empty folder of its own */
    Chromium(Path program, Path profile) throws IOException {
        // the protocol is on descriptors 3 and 4, which a Java process can only give as 0 and 1
        process = new ProcessBuilder(
                        "bash",
                        "-c",
                        "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null",
                        program.toString(),
                        "--headless=new",
                        "--remote-debugging-pipe",
                        "--no-sandbox",
                        "--disable-gpu",
                        "--disable-dev-shm-usage",
                        "--disable-background-networking",
                        "--no-first-run",
                        "--user-data-dir=" + profile,
                        "about:blank")
                .redirectError(profile.resolve("stderr.txt").toFile())
                .start();
        answers = process.getInputStream();
        requests = process.getOutputStream();
        String target = null;
        for (JsonNode info :
                call(null, "Target.getTargets", JSON.createObjectNode()).get("targetInfos")) {
            target = info.get("type").asText().equals("page")
                    ? info.get("targetId").asText()
                    : target;
        }
        session = call(
                        null,
                        "Target.attachToTarget",
                        JSON.createObjectNode().put("targetId", target).put("flatten", true))
                .get("sessionId")
                .asText();
        for (String domain : List.of("Page", "Runtime", "Log", "Network")) {
            call(domain + ".enable", JSON.createObjectNode());
        }
        call("Emulation.setFocusEmulationEnabled", JSON.createObjectNode().put("enabled", true));
    }

    /**
     * Shows a page at a width in pixels of the style sheet, as a phone does when {@code mobile}.
     *
     * @return what went wrong: console messages, log entries, exceptions, requests beyond the page itself
     */
    List<String> show(Path page, int width, boolean mobile) throws IOException {
        events.clear();
        call(
                "Emulation.setDeviceMetricsOverride",
                JSON.createObjectNode()
                        .put("width", width)
                        .put("height", 844)
                        .put("deviceScaleFactor", 1)
                        .put("mobile", mobile));
        call("Page.navigate", JSON.createObjectNode().put("url", page.toUri().toString()));
        while (events.stream().noneMatch(event -> method(event).equals("Page.loadEventFired"))) {
            events.add(read());
        }
        evaluate("document.body.offsetHeight"); // what the layout has to say comes before its answer
        var wrong = new ArrayList<String>();
        for (JsonNode event : events) {
            switch (method(event)) {
                case "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded" -> wrong.add(
                        event.toString());
                case "Network.requestWillBeSent" -> {
                    String url = event.at("/params/request/url").asText();
                    if (!url.equals(page.toUri().toString())) {
                        wrong.add("request of " + url);
                    }
                }
                default -> {}
            }
        }
        return wrong;
    }

    /** Sets what the user prefers, for the pages that are shown from now on: a dark page or a light one. */
    void preferDark(boolean dark) throws IOException {
        ObjectNode parameters = JSON.createObjectNode();
        parameters
                .putArray("features")
                .addObject()
                .put("name", "prefers-color-scheme")
                .put("value", dark ? "dark" : "light");
        call("Emulation.setEmulatedMedia", parameters);
    }

    /** Value of an expression in the page. */
    JsonNode evaluate(String expression) throws IOException {
        var parameters = JSON.createObjectNode().put("expression", expression).put("returnByValue", true);
        return call("Runtime.evaluate", parameters).at("/result/value");
    }

    /** The whole page as a PNG. */
    void screenshot(Path file) throws IOException {
        var parameters = JSON.createObjectNode().put("format", "png").put("captureBeyondViewport", true);
        Files.write(
                file,
                Base64.getDecoder()
                        .decode(call("Page.captureScreenshot", parameters)
                                .get("data")
                                .asText()));
    }

    private JsonNode call(String method, ObjectNode parameters) throws IOException {
        return call(session, method, parameters);
    }

    private JsonNode call(String onSession, String method, ObjectNode parameters) throws IOException {
        ObjectNode request = JSON.createObjectNode().put("id", ++lastId).put("method", method);
        request.set("params", parameters);
        if (onSession != null) {
            request.put("sessionId", onSession);
        }
        requests.write(JSON.writeValueAsBytes(request));
        requests.write(0);
        requests.flush();
        while (true) {
            JsonNode answer = read();
            if (answer.path("id").asInt() != lastId) {
                events.add(answer);
            } else if (answer.has("error")) {
                throw new IOException(method + ": " + answer.get("error"));
            } else {
                return answer.get("result");
            }
        }
    }

    /** The next message; each ends with a zero byte. */
    private JsonNode read() throws IOException {
        var message = new ByteArrayOutputStream();
        for (int next = answers.read(); next != 0; next = answers.read()) {
            if (next < 0) {
                throw new EOFException("Chromium ended");
            }
            message.write(next);
        }
        return JSON.readTree(message.toByteArray());
    }

    private static String method(JsonNode event) {
        return event.path("method").asText();
    }

    @Override
    public void close() throws IOException {
        try {
            call(null, "Browser.close", JSON.createObjectNode());
            process.waitFor(20, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            process.destroyForcibly();
        }
    }
}
