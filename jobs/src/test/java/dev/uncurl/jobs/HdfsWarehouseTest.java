package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** A warehouse on HDFS: the commands, two writers of one model, and a run that is killed while ranks write a checkpoint. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HdfsWarehouseTest {
    private HdfsServer hdfs;
    private Cli cli;
    private StoredPipeline pipeline;

    @BeforeAll
    void runEveryCommand(@TempDir Path folder) throws IOException {
        hdfs = new HdfsServer(folder);
        hdfs.properties("warehouse").forEach(System::setProperty);
        cli = new Cli(hdfs.warehouse("warehouse"));
        pipeline = new StoredPipeline(cli);
        pipeline.run(folder);
    }

    @AfterAll
    void stop() {
        if (hdfs != null) {
            hdfs.close();
        }
    }

    @Test
    void maintenanceLeavesEveryRow() {
        pipeline.maintenanceLeavesEveryRow();
    }

    @Test
    void anOutputThatAnotherRunWritesIsRefused() throws IOException {
        pipeline.anOutputThatAnotherRunWritesIsRefused();
    }

    @Test
    void ofTwoThatFinishOneModelAtOneMomentOneWins() throws Exception {
        pipeline.ofTwoThatFinishOneModelAtOneMomentOneWins();
        pipeline.aModelThatIsNotThereIsNamed();
    }

    /** It dies with its file open, as far as HDFS knows. */
    @Test
    void aRunThatIsKilledWhileARankWritesEndsWithTheBitsOfAnUndisturbedOne() throws Exception {
        StallingUncurl.kill(cli, "/\\.step-8\\.", StoredPipeline.PRETRAIN + "again", hdfs.properties("warehouse"));
        assertThat(pipeline.names("checkpoints/again"))
                .hasSize(2)
                .contains("step-4")
                .anyMatch(name -> name.matches("\\.step-8\\..*\\.tmp"));
        assertThat(cli.succeed(StoredPipeline.PRETRAIN + "again"))
                .contains("Model again: resumed from")
                .contains("/step-4");
        assertThat(pipeline.files("again")).isEqualTo(pipeline.files("base"));
        assertThat(pipeline.names("checkpoints")).isEmpty();
        assertThat(pipeline.names("locks")).isEmpty();
    }
}
