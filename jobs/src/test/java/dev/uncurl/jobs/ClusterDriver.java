package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * Drivers in processes of their own, which run commands on a standalone cluster, with the properties that conf/spark has for one.
 * Nothing needs to be packaged: driver and executors have the class path of the tests.
 */
final class ClusterDriver {
    private final Path folder;

    /** @param folder for the cluster and the drivers' output */
    ClusterDriver(Path folder) {
        this.folder = folder;
    }

    /** A cluster of workers with a core each. */
    StandaloneCluster cluster(int workers) throws IOException, InterruptedException {
        Path jars = Files.writeString(
                folder.resolve("jars"),
                Arrays.stream(System.getProperty("java.class.path").split(":"))
                        .filter(file -> file.endsWith(".jar"))
                        .distinct()
                        .collect(Collectors.joining(":")));
        return new StandaloneCluster(Files.createDirectory(folder.resolve("cluster")), workers, environment(), jars);
    }

    /** What jobs/submit sets; and OpenBLAS detects the processor, whatever Maven names for tests. */
    private static Map<String, String> environment() {
        return Map.of(
                "OMP_NUM_THREADS", "1",
                "OPENBLAS_NUM_THREADS", "1",
                "OPENBLAS_CORETYPE", "",
                "SPARK_LOCAL_IP", "127.0.0.1");
    }

    /**
     * Runs {@link TimedCommands}, which must succeed, and returns what they printed.
     *
     * @param heap of the driver, as for -Xmx
     */
    String run(StandaloneCluster cluster, int executors, String heap, List<String> lines) throws Exception {
        Properties settings = settings("standalone.conf");
        settings.put("spark.master", cluster.url());
        settings.put("spark.cores.max", Integer.toString(executors));
        return run(settings, Map.of(), cluster::logs, heap, lines);
    }

    /** As above, on YARN. */
    String run(YarnCluster cluster, int executors, String heap, List<String> lines) throws Exception {
        Properties settings = settings("yarn.conf");
        settings.put("spark.master", "yarn");
        settings.put("spark.executor.instances", Integer.toString(executors));
        settings.put(
                "spark.yarn.stagingDir", folder.resolve("yarn-staging").toUri().toString());
        settings.put("spark.yarn.populateHadoopClasspath", "false");
        settings.put(
                "spark.yarn.jars",
                Arrays.stream(System.getProperty("java.class.path").split(":"))
                        .filter(file -> file.endsWith(".jar"))
                        .distinct()
                        .map(jar -> "local:" + jar)
                        .collect(Collectors.joining(",")));
        for (String process : List.of("spark.executorEnv.", "spark.yarn.appMasterEnv.")) {
            settings.put(process + "JAVA_HOME", System.getProperty("java.home"));
        }
        var where = Map.of("HADOOP_CONF_DIR", cluster.configuration().toString());
        return run(settings, where, cluster::logs, heap, lines);
    }

    /** What a file of conf/spark says. */
    private static Properties settings(String name) throws IOException {
        var settings = new Properties();
        try (Reader file = Files.newBufferedReader(Path.of("../conf/spark").resolve(name))) {
            settings.load(file);
        }
        return settings;
    }

    /** @param logs of the executors, for a failure */
    private String run(
            Properties settings, Map<String, String> where, Supplier<String> logs, String heap, List<String> lines)
            throws Exception {
        String path = System.getProperty("java.class.path");
        settings.put("spark.ui.enabled", "false");
        settings.put("spark.driver.host", "127.0.0.1");
        settings.put("spark.driver.bindAddress", "127.0.0.1");
        settings.put("spark.executor.extraClassPath", path);
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-Xmx" + heap, "@../conf/spark/java17.options"));
        command.add("-Dlog4j2.configurationFile=../conf/spark/log4j2.properties");
        // what executors have by standalone.conf: the driver's own limit is compared with what a rank takes
        command.addAll(List.of("-Dorg.bytedeco.javacpp.maxbytes=4g", "-Dorg.bytedeco.javacpp.maxphysicalbytes=0"));
        command.add("-Duncurl.home=" + Path.of("..").toRealPath());
        settings.forEach((key, value) -> command.add("-D" + key + "=" + value));
        // as spark-submit does, YARN's configuration is on the class path
        String configuration = where.values().stream().map(value -> value + ":").collect(Collectors.joining());
        command.addAll(List.of("-cp", configuration + path, TimedCommands.class.getName()));
        command.addAll(lines);
        Path out = Files.createTempFile(folder, "driver", ".txt");
        var builder = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(out.toFile());
        builder.environment().putAll(environment());
        builder.environment().putAll(where);
        Process process = builder.start();
        try {
            assertThat(process.waitFor(2, TimeUnit.HOURS)).as("it ends").isTrue();
        } finally {
            process.destroyForcibly();
        }
        String said = Files.readString(out);
        assertThat(process.exitValue()).withFailMessage(() -> said + logs.get()).isZero();
        return said;
    }
}
