package dev.uncurl.jobs;

import dev.uncurl.config.Settings;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.ModelSize;
import dev.uncurl.model.spec.ModelConfig;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two executors of one core beside one, on a standalone cluster of processes of this machine; only timings, so no test. It wants
 * two cores for itself, and is run by name:
 * {@code mvn -pl lib,jobs test -Dtest=ClusterBench -Dsurefire.failIfNoSpecifiedTests=false}
 *
 * <p>{@code -Dbench.size=3} makes everything three times as long, {@code -Dbench.only=tokenize,pretrain} leaves the other commands out. One Spark application runs all commands on one executor, another
 * one on two. Each command first runs on little data, to warm up; what it takes when that is done again is the start-up. Prints a
 * table in Markdown.
 */
final class ClusterBench {
    private static final int SIZE = Integer.getInteger("bench.size", 1);
    private static final List<String> ONLY = Stream.of(
                    System.getProperty("bench.only", "").split(","))
            .filter(name -> !name.isEmpty())
            .toList();
    private static final int TOKENS_OF_STEP = 16 * 256;
    private static final Path DATA = Path.of("..", "test-data");

    /**
     * @param line with {@code {}} for the size: first, small or large
     * @param small value of its option on little data
     * @param large value on much
     * @param per units of {@code large}
     */
    private record Command(String name, String line, long small, long large, String per) {
        Stream<String> lines(int ranks) {
            return Stream.of("-" + line("first", small), line("small", small), line("large", large))
                    .map(each -> each.replace("RANKS", Integer.toString(ranks)));
        }

        private String line(String size, long value) {
            return line.replace("{}", size).replace("VALUE", Long.toString(value));
        }
    }

    private Path folder;
    private ClusterDriver driver;

    private List<Command> commands() {
        return List.of(
                new Command("tokenize", "tokenize --config " + folder + "/{}.conf", 1, 1_500 * SIZE, "MB"),
                new Command(
                        "pretrain of preset bench",
                        "pretrain --config " + folder + "/pretrain.conf --model bench-{} --set train.ranks=RANKS"
                                + " --set train.tokens=VALUE",
                        2 * TOKENS_OF_STEP,
                        50L * TOKENS_OF_STEP * SIZE,
                        "tokens"),
                new Command(
                        "dump-logits",
                        "dump-logits --model bench-{} --task superglue/boolq --tokens VALUE",
                        500,
                        500_000L * SIZE,
                        "tokens"),
                new Command(
                        "evaluate",
                        "evaluate --model bench-{} --task superglue/boolq --limit VALUE",
                        8,
                        1_800L * SIZE,
                        "examples"));
    }

    @Test
    void measure(@TempDir Path temporary) throws Exception {
        folder = temporary;
        driver = new ClusterDriver(temporary);
        write();
        List<Command> commands = commands().stream()
                .filter(command -> ONLY.isEmpty() || ONLY.stream().anyMatch(command.name()::startsWith))
                .toList();
        var seconds = new ArrayList<List<Double>>();
        try (var cluster = driver.cluster(2)) {
            for (int executors = 1; executors <= 2; executors++) {
                seconds.add(run(cluster, executors, commands));
            }
        }
        print(commands, seconds.get(0), seconds.get(1));
        if (commands.stream().anyMatch(command -> command.name().startsWith("pretrain"))) {
            printExchange();
        }
    }

    private void write() throws IOException {
        copies("small.txt", "cc100", 1, "speeches.txt");
        copies("large.txt", "cc100", 1_500 * SIZE, "fiction.txt", "nonfiction.txt", "speeches.txt");
        tokenize("first", "small.txt");
        tokenize("small", "small.txt");
        tokenize("large", "large.txt");
        String boolq = "{ name = superglue/boolq, format = superglue/boolq, paths = [" + quoted("train.jsonl")
                + "], validation-paths = [" + quoted("val.jsonl") + "] }";
        copies("train.jsonl", "superglue/BoolQ", 6 * SIZE, "train.jsonl");
        copies("val.jsonl", "superglue/BoolQ", 6 * SIZE, "val.jsonl");
        Files.writeString(folder.resolve("task.conf"), defaults("[" + boolq + "]"));
        Files.writeString(
                folder.resolve("pretrain.conf"),
                """
                model { include classpath("conf/model/bench.conf") }
                train {
                  include classpath("conf/train/demo.conf")
                  batch = 16, micro-batch = 8, metrics-every = 1
                  validation.every = 0, checkpoint.every = 0
                }
                corpora = [text-first]
                """);
    }

    private String quoted(String file) {
        return "\"" + folder.resolve(file) + "\"";
    }

    private void tokenize(String name, String file) throws IOException {
        String corpus =
                "{ name = text-" + name + ", format = cc100, paths = [" + quoted(file) + "], validation-paths = [] }";
        Files.writeString(folder.resolve(name + ".conf"), defaults("[" + corpus + "]"));
    }

    private static String defaults(String corpora) {
        return """
                include classpath("conf/tokenize/defaults.conf")
                vocabulary = 8192, sequence-length = 256, validation-fraction = 0
                corpora = %s
                """
                .formatted(corpora);
    }

    /** At least so many megabytes of text, or so many copies of rows. */
    private void copies(String to, String from, int count, String... files) throws IOException {
        try (OutputStream out = Files.newOutputStream(folder.resolve(to))) {
            boolean rows = to.endsWith("jsonl");
            for (long done = 0; done < (rows ? count : count * 1_000_000L); done += rows ? 1 : 0) {
                for (String file : files) {
                    long bytes = Files.copy(DATA.resolve(from).resolve(file), out);
                    done += rows ? 0 : bytes;
                }
            }
        }
    }

    /** Seconds of each command on little and on much data, one after another. */
    private List<Double> run(StandaloneCluster cluster, int executors, List<Command> commands) throws Exception {
        String warehouse = " --warehouse " + warehouse(executors);
        var lines = new ArrayList<String>();
        lines.add("-tokenize --config " + folder + "/task.conf" + warehouse);
        commands.stream().flatMap(command -> command.lines(executors)).forEach(line -> lines.add(line + warehouse));
        return driver.run(cluster, executors, "1g", lines)
                .lines()
                .filter(each -> each.startsWith(TimedCommands.TIME))
                .map(each -> Double.valueOf(
                        each.substring(TimedCommands.TIME.length()).split(" ")[0]))
                .toList();
    }

    private Path warehouse(int executors) {
        return folder.resolve("warehouse" + executors);
    }

    private static void print(List<Command> commands, List<Double> one, List<Double> two) {
        System.out.println("| | one executor | two | start-up, s | two over one | without start-up |");
        System.out.println("|---|---:|---:|---:|---:|---:|");
        for (int i = 0; i < commands.size(); i++) {
            Command command = commands.get(i);
            double small = one.get(2 * i);
            double large = one.get(2 * i + 1);
            double smallOfTwo = two.get(2 * i);
            double largeOfTwo = two.get(2 * i + 1);
            System.out.printf(
                    Locale.ROOT,
                    "| %s | %,.0f %s/s | %,.0f %s/s | %.1f of %.1f, %.1f of %.1f | %.2f | %.2f |%n",
                    command.name(),
                    command.large() / large,
                    command.per(),
                    command.large() / largeOfTwo,
                    command.per(),
                    small,
                    large,
                    smallOfTwo,
                    largeOfTwo,
                    large / largeOfTwo,
                    (large - small) / (largeOfTwo - smallOfTwo));
        }
    }

    /** Of the steps of the long run by two ranks, without the first ones. */
    private void printExchange() {
        System.setProperty("spark.master", "local[1]");
        System.setProperty("spark.ui.enabled", "false");
        List<Row> rows = Warehouse.open(warehouse(2).toString())
                .rows(UncurlTable.METRICS, "run_id", "bench-large")
                .where("step > 3")
                .collectAsList();
        double exchange = sum(rows, "exchange_seconds_mean");
        double waiting = sum(rows, "wait_seconds_mean");
        double all = exchange + waiting + sum(rows, "compute_seconds_mean") + sum(rows, "data_seconds_mean");
        ModelConfig model = Settings.load("model/bench", List.of()).bind(ModelConfig.class);
        // a ring of two: half of the values in a sum, and half when the slices of the sum are gathered
        double ring = Float.BYTES * ModelSize.parameters(model);
        System.out.printf(
                Locale.ROOT,
                "%nOf a step of %.3f s: exchange %.1f%%, waiting %.1f%%; bytes sent by a rank over those of a ring: %.4f%n",
                all / rows.size(),
                100 * exchange / all,
                100 * waiting / all,
                sum(rows, "sent_bytes_mean") / rows.size() / ring);
    }

    private static double sum(List<Row> rows, String column) {
        return rows.stream().mapToDouble(row -> row.<Double>getAs(column)).sum();
    }
}
