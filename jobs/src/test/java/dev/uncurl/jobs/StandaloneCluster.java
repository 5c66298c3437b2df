package dev.uncurl.jobs;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** A master and workers of Spark's standalone cluster on this machine, each a process, as their executors are. */
final class StandaloneCluster implements AutoCloseable {
    private static final String HOST = "127.0.0.1";
    private static final String MASTER = "master";
    private static final String WORKER = "worker";
    private static final long PATIENCE_MILLIS = 60_000;

    private final Path folder;
    private final Path sparkHome;
    private final Map<String, String> environment;
    private final int port;
    private final Map<String, Process> processes = new TreeMap<>();

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
            startMaster();
            for (int worker = 0; worker < workers; worker++) {
                startWorker(worker);
            }
        } catch (IOException | InterruptedException | RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    private void startMaster() throws IOException, InterruptedException {
        start(
                MASTER,
                List.of(
                        "-Dspark.deploy.recoveryMode=FILESYSTEM",
                        "-Dspark.deploy.recoveryDirectory=" + Files.createDirectories(folder.resolve("recovery"))),
                "org.apache.spark.deploy.master.Master",
                "--port",
                "" + port,
                "--webui-port",
                "0");
        await(MASTER, () -> accepts(port));
    }

    private void startWorker(int worker) throws IOException, InterruptedException {
        start(
                WORKER + worker,
                List.of(),
                "org.apache.spark.deploy.worker.Worker",
                "--webui-port",
                "0",
                "--cores",
                "1",
                "--memory",
                "2g",
                "--work-dir",
                Files.createDirectories(folder.resolve("work" + worker)).toString(),
                url());
        await(WORKER + worker, () -> log(WORKER + worker).contains("Successfully registered with master"));
    }

    /** Kills the master; another one takes its place, which knows what the first knew. */
    void replaceMaster() throws IOException, InterruptedException {
        processes.get(MASTER).destroyForcibly().waitFor();
        startMaster();
    }

    /** Kills a worker, with which its executors end; another one takes its place. */
    void replaceWorker(int worker) throws IOException, InterruptedException {
        processes.get(WORKER + worker).destroyForcibly().waitFor();
        startWorker(worker);
    }

    /** The processes that workers have started, which are executors while no driver is deployed on the cluster. */
    List<ProcessHandle> executors() {
        return processes.entrySet().stream()
                .filter(process -> process.getKey().startsWith(WORKER))
                .flatMap(process -> process.getValue().children())
                .sorted(Comparator.comparing(ProcessHandle::pid))
                .toList();
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

    private void start(String name, List<String> ofJvm, String main, String... options) throws IOException {
        var command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "-XX:TieredStopAtLevel=1", // they only manage others
                "-XX:+UseSerialGC",
                "@" + Path.of("../conf/spark/java17.options").toRealPath()));
        command.addAll(ofJvm);
        command.addAll(List.of("-cp", sparkHome.resolve("jars") + "/*", main, "--host", HOST));
        command.addAll(List.of(options));
        var builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve(name + ".log").toFile());
        builder.environment().putAll(environment);
        builder.environment().put("SPARK_HOME", sparkHome.toString());
        builder.environment().put("SPARK_LOCAL_IP", HOST);
        builder.environment().put("SPARK_SCALA_VERSION", "2.12");
        processes.put(name, builder.start());
    }

    private interface Condition {
        boolean holds() throws IOException;
    }

    private void await(String what, Condition condition) throws IOException, InterruptedException {
        long since = System.currentTimeMillis();
        while (!condition.holds()) {
            if (System.currentTimeMillis() - since > PATIENCE_MILLIS
                    || !processes.get(what).isAlive()) {
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
        for (Process process : processes.values()) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }
}
