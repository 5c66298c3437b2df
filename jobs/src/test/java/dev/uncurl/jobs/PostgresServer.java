package dev.uncurl.jobs;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A PostgreSQL server of this machine's installation, such as Debian's, in processes of its own, with a database for Iceberg's JDBC
 * catalog. PostgreSQL does not run as root: then it runs as the user postgres, which the package has made.
 */
final class PostgresServer implements AutoCloseable {
    private static final Path VERSIONS = Path.of("/usr/lib/postgresql");
    private static final String USER = "uncurl";
    private static final String PASSWORD = "known to this test";
    private static final String DATABASE = "uncurl";

    private final Path programs;
    private final Path folder;
    private final int port;
    private final Process server;

    /** The folder of the newest installed server's programs; empty if there is none. */
    static Optional<Path> installed() throws IOException {
        if (!Files.isDirectory(VERSIONS)) {
            return Optional.empty();
        }
        try (Stream<Path> versions = Files.list(VERSIONS)) {
            return versions.map(version -> version.resolve("bin"))
                    .filter(programs -> Files.isExecutable(programs.resolve("postgres")))
                    .max(Comparator.comparing(Path::toString));
        }
    }

    /** @param programs see {@link #installed} */
    PostgresServer(Path programs) throws IOException, InterruptedException, SQLException {
        this.programs = programs;
        folder = Path.of(run("mktemp", "-d", "/tmp/postgres-XXXXXX").strip());
        try (var socket = new ServerSocket(0)) {
            port = socket.getLocalPort();
        }
        Path password = folder.resolveSibling(folder.getFileName() + ".password");
        Files.writeString(password, PASSWORD);
        try {
            run(
                    programs.resolve("initdb").toString(),
                    "--no-sync",
                    "--no-locale",
                    "--encoding=UTF8",
                    "--auth=scram-sha-256",
                    "--username=" + USER,
                    "--pwfile=" + password,
                    "--pgdata=" + folder.resolve("data"));
        } finally {
            Files.delete(password);
        }
        server = new ProcessBuilder(line(
                        programs.resolve("postgres").toString(),
                        "-D",
                        folder.resolve("data").toString(),
                        "-p",
                        "" + port,
                        "-h",
                        "127.0.0.1",
                        "-k",
                        folder.toString(),
                        "-F"))
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("server.log").toFile())
                .start();
        try {
            makeDatabase();
        } catch (IOException | SQLException | InterruptedException | RuntimeException | Error e) {
            server.destroyForcibly();
            throw e;
        }
    }

    private void makeDatabase() throws IOException, SQLException, InterruptedException {
        long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
        while (true) {
            try (var connection = DriverManager.getConnection(uri("postgres"), USER, PASSWORD);
                    var statement = connection.createStatement()) {
                statement.execute("CREATE DATABASE " + DATABASE);
                return;
            } catch (SQLException e) {
                if (!server.isAlive() || System.nanoTime() > end) {
                    throw new SQLException(Files.readString(folder.resolve("server.log")), e);
                }
                Thread.sleep(50); // it does not listen yet
            }
        }
    }

    private String uri(String database) {
        return "jdbc:postgresql://127.0.0.1:" + port + "/" + database;
    }

    /** A connection to the catalog's database. */
    Connection connect() throws SQLException {
        return DriverManager.getConnection(uri(DATABASE), USER, PASSWORD);
    }

    /** The properties of conf/spark/jdbc-catalog.conf, with the place of this server. */
    Map<String, String> properties() throws IOException {
        var all = new TreeMap<>(SparkProperties.of("jdbc-catalog.conf"));
        all.put("spark.sql.catalog.uncurl.uri", uri(DATABASE));
        all.put("spark.sql.catalog.uncurl.jdbc.password", PASSWORD);
        return all;
    }

    private static List<String> line(String... command) {
        var line = new ArrayList<String>();
        if (System.getProperty("user.name").equals("root")) {
            line.addAll(List.of("runuser", "-u", "postgres", "--"));
        }
        line.addAll(List.of(command));
        return line;
    }

    private static String run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(line(command))
                .directory(Path.of("/").toFile())
                .redirectErrorStream(true)
                .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new AssertionError(String.join(" ", command) + ": " + said);
        }
        return said;
    }

    /** Ends the server, though clients are connected, and removes its files. */
    @Override
    public void close() {
        try {
            run(
                    programs.resolve("pg_ctl").toString(),
                    "stop",
                    "--mode=immediate",
                    "--pgdata=" + folder.resolve("data"));
            server.waitFor();
            run("rm", "-rf", folder.toString());
        } catch (IOException e) {
            throw new UncheckedIOException("ending PostgreSQL in " + folder, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
