package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A command in a process of its own, with two executors of one core that are processes too. */
public final class ClusterProcess implements AutoCloseable {
    private final Process process;
    private final Path out;

    /**
     * Starts a command.
     *
     * @param folder for files of the process; one for each
     * @param cli of the warehouse
     * @param options further options of the executors' JVMs
     */
    public ClusterProcess(Path folder, Cli cli, String command, String... options) throws IOException {
        this(folder, cli, command, Map.of(), options);
    }

    /** As above. @param properties further ones of Spark */
    public ClusterProcess(Path folder, Cli cli, String command, Map<String, String> properties, String... options)
            throws IOException {
        Files.createDirectories(folder.resolve("spark/jars"));
        out = folder.resolve("out");
        String path = System.getProperty("java.class.path");
        var line = new ArrayList<String>();
        line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        // the driver plans and waits: its executors compute
        line.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
        line.addAll(List.of("-Xmx600m", "@../conf/spark/java17.options"));
        line.add("-Dlog4j2.configurationFile=../conf/spark/log4j2.properties");
        line.add("-Duncurl.home=" + Path.of("..").toAbsolutePath().normalize());
        settings(path, options).forEach((key, value) -> line.add("-D" + key + "=" + value));
        properties.forEach((key, value) -> line.add("-D" + key + "=" + value));
        line.addAll(List.of("-cp", path, Uncurl.class.getName()));
        line.addAll(List.of(command.split(" ")));
        line.addAll(List.of("--warehouse", cli.place()));
        ProcessBuilder builder = new ProcessBuilder(line).redirectErrorStream(true);
        builder.environment()
                .putAll(Map.of(
                        "SPARK_HOME", folder.resolve("spark").toString(),
                        "SPARK_SCALA_VERSION", "2.12",
                        "SPARK_LOCAL_IP", "127.0.0.1"));
        process = builder.redirectOutput(out.toFile()).start();
    }

    private static Map<String, String> settings(String path, String... options) {
        return Map.ofEntries(
                Map.entry("spark.master", "local-cluster[2,1,900]"),
                Map.entry("spark.ui.enabled", "false"),
                Map.entry("spark.driver.host", "127.0.0.1"),
                Map.entry("spark.driver.bindAddress", "127.0.0.1"),
                Map.entry("spark.executor.memory", "800m"),
                Map.entry("spark.executor.extraClassPath", path),
                Map.entry(
                        "spark.executor.extraJavaOptions",
                        "--add-modules=jdk.incubator.vector -Dorg.bytedeco.javacpp.maxbytes=600m"
                                + " -Dorg.bytedeco.javacpp.maxphysicalbytes=0 " + String.join(" ", options)),
                Map.entry("spark.sql.shuffle.partitions", "2"),
                // as standalone.conf has it: a lost executor is waited for
                Map.entry("spark.scheduler.barrier.maxConcurrentTasksCheck.interval", "1s"),
                Map.entry("spark.scheduler.barrier.maxConcurrentTasksCheck.maxFailures", "600"),
                Map.entry("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"));
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    /** What it has printed so far. */
    public String said() throws IOException {
        return Files.readString(out);
    }

    /** Kills the executor that was started last, if there is one; another one takes its place. */
    public void killExecutor() {
        List<ProcessHandle> executors = process.children().toList();
        if (!executors.isEmpty()) {
            executors.get(executors.size() - 1).destroyForcibly();
        }
    }

    /** Waits for its end with this exit code, and returns what it printed. */
    public String ended(int code) throws IOException, InterruptedException {
        assertThat(process.waitFor(10, TimeUnit.MINUTES)).as("it ends").isTrue();
        assertThat(process.exitValue()).as(said()).isEqualTo(code);
        return said();
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
