package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * A warehouse on S3, with the properties of conf/spark/s3a.conf and jdbc-catalog.conf: the commands, and two writers of one model.
 * The server is s3proxy, in memory; the catalog's database is H2.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class S3WarehouseIT {
    /** Written by module jobs/s3proxy. */
    private static final Path CLASSPATH = Path.of("s3proxy/target/classpath");

    private static final String SPARK_HADOOP = "spark.hadoop.";

    private Process server;
    private SparkSession local;
    private SparkSession session;
    private Cli cli;
    private StoredPipeline pipeline;

    @BeforeAll
    void runEveryCommand(@TempDir Path folder) throws Exception {
        String endpoint = start(folder);
        local = new Cli(folder.resolve("local")).open().spark();
        session = local.newSession();
        Configuration hadoop = session.sparkContext().hadoopConfiguration();
        properties("s3a.conf").forEach((key, value) -> hadoop.set(key.substring(SPARK_HADOOP.length()), value));
        hadoop.set("fs.s3a.endpoint", endpoint);
        hadoop.set("fs.s3a.path.style.access", "true");
        hadoop.set("fs.s3a.endpoint.region", "us-east-1");
        hadoop.set("fs.s3a.aws.credentials.provider", "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider");
        hadoop.set("fs.s3a.access.key", "any");
        hadoop.set("fs.s3a.secret.key", "any");
        properties("jdbc-catalog.conf").forEach(session.conf()::set);
        session.conf()
                .set(
                        "spark.sql.catalog.uncurl.uri",
                        "jdbc:h2:file:" + folder.resolve("catalog")
                                + ";AUTO_SERVER=TRUE;DATABASE_TO_LOWER=TRUE;LOCK_TIMEOUT=30000");
        session.conf().unset("spark.sql.catalog.uncurl.warehouse");
        SparkSession.setActiveSession(session);
        SparkSession.setDefaultSession(session);
        cli = new Cli("s3a://bucket/warehouse");
        pipeline = new StoredPipeline(cli);
        pipeline.run(folder);
    }

    private static Map<String, String> properties(String name) throws IOException {
        var read = new Properties();
        try (InputStream in = Files.newInputStream(Path.of("../conf/spark", name))) {
            read.load(in);
        }
        var all = new TreeMap<String, String>();
        read.forEach((key, value) -> all.put((String) key, (String) value));
        return all;
    }

    /** Starts the server and makes a bucket. @return its address */
    private String start(Path folder) throws IOException, InterruptedException {
        int port;
        try (var socket = new ServerSocket(0)) {
            port = socket.getLocalPort();
        }
        String endpoint = "http://127.0.0.1:" + port;
        Path settings = Files.writeString(
                folder.resolve("s3proxy.properties"),
                "s3proxy.authorization=none\ns3proxy.endpoint=" + endpoint
                        + "\njclouds.provider=transient\njclouds.identity=any\njclouds.credential=any\n");
        server = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx512m",
                        "-DLOG_LEVEL=WARN",
                        "-cp",
                        Files.readString(CLASSPATH).strip(),
                        "org.gaul.s3proxy.Main",
                        "--properties",
                        settings.toString())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("s3proxy.log").toFile())
                .start();
        HttpClient client = HttpClient.newHttpClient();
        HttpRequest bucket = HttpRequest.newBuilder(URI.create(endpoint + "/bucket"))
                .PUT(HttpRequest.BodyPublishers.noBody())
                .build();
        for (int attempt = 0; server.isAlive(); attempt++) {
            try {
                HttpResponse<String> response = client.send(bucket, HttpResponse.BodyHandlers.ofString());
                assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
                return endpoint;
            } catch (IOException e) { // it does not listen yet
                if (attempt > 600) {
                    break;
                }
                Thread.sleep(100);
            }
        }
        throw new AssertionError("s3proxy did not start: " + Files.readString(folder.resolve("s3proxy.log")));
    }

    @AfterAll
    void stop() {
        if (local != null) { // for other tests of this process
            SparkSession.setActiveSession(local);
            SparkSession.setDefaultSession(local);
        }
        if (server != null) {
            server.destroyForcibly();
        }
    }

    @Test
    void maintenanceLeavesEveryRow() {
        SparkSession.setActiveSession(session);
        pipeline.maintenanceLeavesEveryRow();
    }

    @Test
    void anOutputThatAnotherRunWritesIsRefused() throws IOException {
        SparkSession.setActiveSession(session);
        pipeline.anOutputThatAnotherRunWritesIsRefused();
    }

    @Test
    void ofTwoThatFinishOneModelAtOneMomentOneWins() throws Exception {
        SparkSession.setActiveSession(session);
        pipeline.ofTwoThatFinishOneModelAtOneMomentOneWins();
        pipeline.aModelThatIsNotThereIsNamed();
    }

    @Test
    void theRegistryNamesTheFolderOfTheAttemptThatCounts() throws IOException {
        SparkSession.setActiveSession(session);
        assertThat(pipeline.names("models"))
                .anyMatch(name -> name.matches("base\\.[0-9a-f-]{36}"))
                .doesNotContain("base");
        assertThat(cli.succeed("sql", "SELECT path FROM models.registry WHERE model_id = 'base'"))
                .containsPattern("s3a://bucket/warehouse/models/base\\.[0-9a-f-]{36}");
    }

    @Test
    void aCatalogThatCanLoseCommitsIsRefused() {
        SparkSession plain = session.newSession();
        plain.conf().set("spark.sql.catalog.uncurl", "org.apache.iceberg.spark.SparkCatalog");
        plain.conf().set("spark.sql.catalog.uncurl.type", "hadoop");
        plain.conf().set("spark.sql.catalog.uncurl.warehouse", "s3a://bucket/other/tables");
        SparkSession.setActiveSession(plain);
        Cli.Outcome outcome = new Cli("s3a://bucket/other").run("sql", "SELECT 1");
        assertThat(outcome.code()).as(outcome.out() + outcome.err()).isEqualTo(2);
        assertThat(outcome.err()).contains("Hadoop catalog", "could be lost", "conf/spark/jdbc-catalog.conf");
    }
}
