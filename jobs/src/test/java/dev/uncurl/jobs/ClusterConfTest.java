package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Collectors;
import org.apache.spark.internal.config.ConfigEntry;
import org.apache.spark.internal.config.ConfigReader;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The files of properties for clusters, by Spark's own definitions of its properties. */
class ClusterConfTest {
    private static final Path FOLDER = Path.of("../conf/spark");

    /** Prefixes before names of environment variables. */
    private static final List<String> ENVIRONMENTS = List.of("spark.executorEnv.", "spark.yarn.appMasterEnv.");

    /** Objects whose creation registers the properties of Spark's core, user interface, SQL, YARN and Kubernetes. */
    @BeforeAll
    static void define() throws ClassNotFoundException {
        for (String definitions : List.of(
                "org.apache.spark.internal.config.package$",
                "org.apache.spark.internal.config.UI$",
                "org.apache.spark.sql.internal.StaticSQLConf$",
                "org.apache.spark.sql.internal.SQLConf$",
                "org.apache.spark.deploy.yarn.config.package$",
                "org.apache.spark.deploy.k8s.Config$")) {
            Class.forName(definitions);
        }
    }

    /** As spark-submit reads them. */
    private static Map<String, String> properties(String name) throws IOException {
        var read = new Properties();
        try (var reader = Files.newBufferedReader(FOLDER.resolve(name + ".conf"))) {
            read.load(reader);
        }
        return read.stringPropertyNames().stream().collect(Collectors.toMap(key -> key, key -> read.getProperty(key)
                .strip()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"standalone", "yarn", "kubernetes", "local"})
    void everyPropertyIsOneOfSparksWithAValueThatItCanRead(String name) throws IOException {
        Map<String, String> properties = properties(name);
        assertThat(properties).hasSizeGreaterThan(5);
        var reader = new ConfigReader(new HashMap<>(properties));
        properties.forEach((key, value) -> {
            if (ENVIRONMENTS.stream().noneMatch(key::startsWith) && !key.equals("spark.master")) {
                ConfigEntry<?> entry = ConfigEntry.findEntry(key);
                assertThat(entry).as(name + ": " + key).isNotNull();
                assertThat(entry.readFrom(reader))
                        .as(name + ": " + key + " = " + value)
                        .isNotNull();
            }
        });
    }

    /** What training needs of executors is the same wherever they are. */
    @ParameterizedTest
    @ValueSource(strings = {"yarn", "kubernetes"})
    void executorsComputeAsThoseOfAStandaloneCluster(String name) throws IOException {
        Map<String, String> properties = properties(name);
        properties("standalone").forEach((key, value) -> {
            if (key.startsWith("spark.executorEnv.") || key.endsWith("extraJavaOptions") || key.contains("barrier")) {
                assertThat(properties).as(name).containsEntry(key, value);
            }
        });
        assertThat(properties).containsEntry("spark.dynamicAllocation.enabled", "false");
    }

    @Test
    void executorsHaveTheCompileCommandsOfTheEmbeddedSpark() throws IOException {
        List<String> commands = Files.readAllLines(FOLDER.resolve("java17.options")).stream()
                .filter(line -> line.startsWith("-XX:CompileCommand"))
                .toList();
        assertThat(properties("standalone")
                        .get("spark.executor.extraJavaOptions")
                        .split(" "))
                .containsAll(commands);
    }
}
