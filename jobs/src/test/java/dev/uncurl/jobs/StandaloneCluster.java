package dev.uncurl.jobs;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** A master and workers of Spark's standalone cluster on this machine, each a process, as their executors are. */
final class StandaloneCluster implements AutoCloseable {
    private static final String HOST = "127.0.0.1";
    private static final long PATIENCE_MILLIS = 60_000;

    private final Path folder;
    private final Path sparkHome;
    private final Map<String, String> environment;
    private final int port;
    private final List<Process> processes = new ArrayList<>();

    /**
     * @param folder an empty one, for the logs and the workers' files
     * @param environment of the processes, which executors inherit
     */
    StandaloneCluster(Path folder, int workers, Map<String, String> environment)
            throws IOException, InterruptedException {
        this(folder, workers, environment, Path.of("target/spark.classpath"));
    }

    /** @param classpath a file that names Spark's jars */
    StandaloneCluster(Path folder, int workers, Map<String, String> environment, Path classpath)
            throws IOException, InterruptedException {
        this.folder = folder;
        this.environment = environment;
        sparkHome = SparkDistribution.make(folder.resolve("spark"), classpath);
        port = freePort();
        try {
            start("master", "org.apache.spark.deploy.master.Master", "--port", "" + port, "--webui-port", "0");
            await("the master", () -> accepts(port));
            for (int worker = 0; worker < workers; worker++) {
                Path work = Files.createDirectories(folder.resolve("work" + worker));
                start(
                        "worker" + worker,
                        "org.apache.spark.deploy.worker.Worker",
                        "--webui-port",
                        "0",
                        "--cores",
                        "1",
                        "--memory",
                        "2g",
                        "--work-dir",
                        work.toString(),
                        url());
                int number = worker;
                await("worker " + worker, () -> log("worker" + number).contains("Successfully registered with master"));
            }
        } catch (IOException | InterruptedException | RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private static boolean accepts(int port) {
        try (var socket = new Socket()) {
            socket.connect(new InetSocketAddress(HOST, port), 1000);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /** For {@code --master}. */
    String url() {
        return "spark://" + HOST + ":" + port;
    }

    private void start(String name, String main, String... options) throws IOException {
        var command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "@" + Path.of("../conf/spark/java17.options").toRealPath(),
                "-cp",
                sparkHome.resolve("jars") + "/*",
                main,
                "--host",
                HOST));
        command.addAll(List.of(options));
        var builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve(name + ".log").toFile());
        builder.environment().putAll(environment);
        builder.environment().put("SPARK_HOME", sparkHome.toString());
        builder.environment().put("SPARK_LOCAL_IP", HOST);
        builder.environment().put("SPARK_SCALA_VERSION", "2.12");
        processes.add(builder.start());
    }

    private interface Condition {
        boolean holds() throws IOException;
    }

    private void await(String what, Condition condition) throws IOException, InterruptedException {
        long since = System.currentTimeMillis();
        while (!condition.holds()) {
            if (System.currentTimeMillis() - since > PATIENCE_MILLIS
                    || !processes.get(processes.size() - 1).isAlive()) {
                throw new AssertionError(what + " of the cluster did not start: " + logs());
            }
            Thread.sleep(100);
        }
    }

    private String log(String name) throws IOException {
        return Files.readString(folder.resolve(name + ".log"));
    }

    /** What master, workers and executors have logged, for a failure's message. */
    String logs() {
        var text = new StringBuilder();
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
                String name = file.getFileName().toString();
                if (name.endsWith(".log") || name.equals("stderr")) {
                    String log = Files.readString(file);
                    text.append("\n== ").append(folder.relativize(file)).append('\n');
                    text.append(log.substring(Math.max(0, log.length() - 4000)));
                }
            }
        } catch (IOException e) {
            text.append("\nLogs cannot be read: ").append(e);
        }
        return text.toString();
    }

    @Override
    public void close() {
        for (Process process : processes) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }
}
