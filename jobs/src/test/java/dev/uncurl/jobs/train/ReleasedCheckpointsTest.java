package dev.uncurl.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.config.CheckpointConfig;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.ReleasesTest;
import dev.uncurl.jobs.WeightArray;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("slow")
class ReleasedCheckpointsTest {
    /** Its ranks averaged their parameters, which synchronous training cannot continue; it stays readable as a model. */
    @Test
    void aCheckpointOfRelease010IsRefusedKeptAndStillAModel(@TempDir Path folder) throws IOException {
        Warehouse warehouse = ReleasesTest.relocated(folder).open();
        var step = new org.apache.hadoop.fs.Path(warehouse.checkpointFolder("base"), "step-8");
        Map<String, String> inputs =
                ModelFolder.open(warehouse.files(), step).manifest().lineage().inputs();
        var checkpoints = new Checkpoints(warehouse, "base", new CheckpointConfig(4, 1, true));
        assertThatThrownBy(() -> checkpoints.resume(inputs))
                .isInstanceOfSatisfying(
                        UserError.class, error -> assertThat(error.kind()).isEqualTo(UserError.Kind.CONFLICT))
                .hasMessageContaining("step-8 is a checkpoint of an earlier release")
                .hasMessageContaining("delete this folder");
        ModelFolder model = ModelFolder.open(warehouse.files(), step);
        model.verify();
        assertThat(WeightArray.of(model)).hasSize((int) model.layout().length());
    }
}
