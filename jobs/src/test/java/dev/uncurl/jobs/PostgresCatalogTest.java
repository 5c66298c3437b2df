package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.jobs.warehouse.UncurlTable;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.apache.iceberg.BaseTable;
import org.apache.iceberg.HasTableOperations;
import org.apache.iceberg.Table;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableOperations;
import org.apache.iceberg.exceptions.CommitFailedException;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * A warehouse whose tables are in Iceberg's JDBC catalog, in PostgreSQL, with the properties of conf/spark/jdbc-catalog.conf. Needs
 * the server (Debian: {@code apt-get install postgresql}).
 */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PostgresCatalogTest {
    private static final int WRITERS = 2;
    private static final int COMMITS = 10;
    private static final int MOST_ROUNDS = 20;

    private PostgresServer server;
    private Map<String, String> properties;
    private Path folder;
    private SparkSession local;
    private SparkSession session;
    private Cli cli;

    @BeforeAll
    void tokenize(@TempDir Path temporary) throws Exception {
        Optional<Path> programs = PostgresServer.installed();
        Assumptions.assumeTrue(
                programs.isPresent(), "PostgreSQL's server is not installed; apt-get install postgresql");
        folder = temporary;
        server = new PostgresServer(programs.get());
        properties = server.properties();
        local = new Cli(folder.resolve("local")).session();
        session = SparkProperties.session(local, properties);
        cli = new Cli(folder.resolve("warehouse"));
        cli.succeed("tokenize --config " + SmallCorpora.write(folder, 300, 32));
    }

    @AfterAll
    void stop() {
        if (local != null) { // for other tests of this process
            SparkProperties.use(local);
        }
        if (server != null) {
            server.close();
        }
    }

    @Test
    void sqlReadsWhatWasWrittenFromAnotherSession() throws Exception {
        SparkProperties.session(local, properties);
        assertThat(cli.succeed("sql", "--csv", "SELECT count(*) > 100 FROM corpus.sequences"))
                .contains("true");
        assertThat(cli.succeed("tokenize --config " + SmallCorpora.write(folder, 300, 32)))
                .contains("Corpus cc100 is there already");
        SparkProperties.use(session);
    }

    /** Each has a catalog, and so a connection, of its own. */
    @Test
    void commitsOfTwoWritersAtOnceAreAllThereThoughSomeWereRefusedAndRetried() throws Exception {
        var threads = Executors.newFixedThreadPool(WRITERS);
        try {
            var start = new CyclicBarrier(WRITERS);
            var refused = new AtomicLong();
            int rounds = 0;
            while (refused.get() == 0 && rounds < MOST_ROUNDS) {
                int round = rounds++;
                var writers = new ArrayList<Future<Void>>();
                for (int writer = 0; writer < WRITERS; writer++) {
                    String name = "round" + round + "-writer" + writer;
                    SparkSession own = SparkProperties.session(local, properties);
                    Table table = countingRefusals(own, refused);
                    writers.add(threads.submit(() -> {
                        start.await();
                        for (int commit = 0; commit < COMMITS; commit++) {
                            table.newAppend().set("writer", name).commit();
                        }
                        return null;
                    }));
                }
                for (Future<Void> writer : writers) {
                    writer.get();
                }
            }
            SparkProperties.use(session);
            Table written = cli.at().iceberg(UncurlTable.LATENCY);
            written.refresh();
            var counts = new ArrayList<String>();
            written.snapshots()
                    .forEach(snapshot -> counts.add(snapshot.summary().get("writer")));
            assertThat(refused.get()).as("refused commits in %d rounds", rounds).isPositive();
            assertThat(counts).hasSize(rounds * WRITERS * COMMITS);
            IntStream.range(0, rounds * WRITERS)
                    .mapToObj(i -> "round" + i / WRITERS + "-writer" + i % WRITERS)
                    .forEach(name ->
                            assertThat(counts.stream().filter(name::equals)).hasSize(COMMITS));
        } finally {
            threads.shutdownNow();
        }
    }

    /** A table whose commits by the catalog are as they are, and counted when the catalog refuses one. */
    private Table countingRefusals(SparkSession own, AtomicLong refused) {
        SparkProperties.use(own);
        Table table = cli.at().iceberg(UncurlTable.LATENCY);
        return new BaseTable(new CountedOperations(operations(table), refused), table.name());
    }

    /** It does not know of the other one: the database does. */
    @Test
    void aCommitOnTopOfMetadataThatAnotherWriterHasReplacedIsRefused() throws Exception {
        SparkProperties.use(session);
        TableOperations operations = operations(cli.at().iceberg(UncurlTable.CELLS));
        TableMetadata old = operations.current();
        SparkProperties.session(local, properties);
        cli.at().iceberg(UncurlTable.CELLS).newAppend().commit();
        SparkProperties.use(session);
        assertThatThrownBy(() -> operations.commit(old, old.replaceProperties(Map.of("lost", "yes"))))
                .isInstanceOf(CommitFailedException.class);
        TableMetadata found = operations.refresh();
        assertThat(found.properties()).doesNotContainKey("lost");
        assertThat(found.snapshots()).hasSize(1);
    }

    private static TableOperations operations(Table table) {
        return ((HasTableOperations) table).operations();
    }

    @Test
    void ofTwoThatFinishOneModelAtOneMomentOneWins() throws Exception {
        SparkProperties.use(session);
        new StoredPipeline(cli).ofTwoThatFinishOneModelAtOneMomentOneWins();
    }

    @Test
    void theDatabaseHasARowForEachTable() throws Exception {
        try (var connection = server.connect();
                var statement = connection.createStatement();
                var rows = statement.executeQuery(
                        "SELECT table_namespace || '.' || table_name FROM iceberg_tables WHERE catalog_name = 'uncurl'"
                                + " AND iceberg_type = 'TABLE'")) {
            var names = new ArrayList<String>();
            while (rows.next()) {
                names.add(rows.getString(1));
            }
            List<String> expected =
                    Arrays.stream(UncurlTable.values()).map(UncurlTable::id).toList();
            assertThat(names).containsExactlyInAnyOrderElementsOf(expected);
        }
    }
}
