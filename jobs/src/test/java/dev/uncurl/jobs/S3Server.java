package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.SparkSession;

/**
 * A server for warehouses on S3: s3proxy, in memory, in a process of its own. Each warehouse has its tables in Iceberg's JDBC
 * catalog, whose database is H2 in a local folder.
 */
final class S3Server implements StoragePlace {
    /** Written by module jobs/s3proxy. */
    private static final Path CLASSPATH = Path.of("s3proxy/target/classpath");

    private static final String BUCKET = "bucket";

    private final Path folder;
    private final String endpoint;
    private final Process server;

    /** Starts the server and makes a bucket. @param folder for the server's files and the catalogs */
    S3Server(Path folder) throws IOException, InterruptedException {
        this.folder = folder;
        try (var socket = new ServerSocket(0)) {
            endpoint = "http://127.0.0.1:" + socket.getLocalPort();
        }
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
        try {
            makeBucket();
        } catch (IOException | InterruptedException | RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    private void makeBucket() throws IOException, InterruptedException {
        HttpClient client = HttpClient.newHttpClient();
        HttpRequest bucket = HttpRequest.newBuilder(URI.create(endpoint + "/" + BUCKET))
                .PUT(HttpRequest.BodyPublishers.noBody())
                .build();
        for (int attempt = 0; server.isAlive(); attempt++) {
            try {
                HttpResponse<String> response = client.send(bucket, HttpResponse.BodyHandlers.ofString());
                assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
                return;
            } catch (IOException e) { // it does not listen yet
                if (attempt > 600) {
                    break;
                }
                Thread.sleep(100);
            }
        }
        throw new AssertionError("s3proxy did not start: " + Files.readString(folder.resolve("s3proxy.log")));
    }

    @Override
    public String warehouse(String name) {
        return "s3a://" + BUCKET + "/" + name;
    }

    /** Spark's properties for a warehouse: those of conf/spark, and where the server and the database are. */
    @Override
    public Map<String, String> properties(String name) throws IOException {
        var all = new TreeMap<>(SparkProperties.of("s3a.conf"));
        all.put("spark.hadoop.fs.s3a.endpoint", endpoint);
        all.put("spark.hadoop.fs.s3a.path.style.access", "true");
        all.put("spark.hadoop.fs.s3a.endpoint.region", "us-east-1");
        all.put(
                "spark.hadoop.fs.s3a.aws.credentials.provider",
                "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider");
        all.put("spark.hadoop.fs.s3a.access.key", "any");
        all.put("spark.hadoop.fs.s3a.secret.key", "any");
        all.putAll(SparkProperties.of("jdbc-catalog.conf"));
        all.put(
                "spark.sql.catalog.uncurl.uri",
                "jdbc:h2:file:" + folder.resolve("catalog-" + name)
                        + ";AUTO_SERVER=TRUE;DATABASE_TO_LOWER=TRUE;LOCK_TIMEOUT=30000");
        return all;
    }

    @Override
    public List<String> jars() {
        return StoragePlace.furtherJars();
    }

    /** A session of this process for a warehouse, which becomes the active one. */
    SparkSession session(SparkSession other, String name) throws IOException {
        return SparkProperties.session(other, properties(name));
    }

    @Override
    public void close() {
        server.destroyForcibly();
    }
}
