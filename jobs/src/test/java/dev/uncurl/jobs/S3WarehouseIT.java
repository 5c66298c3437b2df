package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
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
    private S3Server server;
    private SparkSession local;
    private SparkSession session;
    private Cli cli;
    private StoredPipeline pipeline;

    @BeforeAll
    void runEveryCommand(@TempDir Path folder) throws Exception {
        server = new S3Server(folder);
        local = new Cli(folder.resolve("local")).session();
        session = server.session(local, "warehouse");
        cli = new Cli(server.warehouse("warehouse"));
        pipeline = new StoredPipeline(cli);
        pipeline.run(folder);
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
