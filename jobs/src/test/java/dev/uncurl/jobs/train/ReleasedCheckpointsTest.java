package dev.uncurl.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.checkpoint.TrainingCheckpoint;
import dev.uncurl.config.CheckpointConfig;
import dev.uncurl.jobs.ReleasesTest;
import dev.uncurl.jobs.WeightArray;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("slow")
class ReleasedCheckpointsTest {
    @Test
    void aCheckpointOfRelease010IsResumed(@TempDir Path folder) throws IOException {
        Warehouse warehouse = ReleasesTest.relocated(folder).open();
        var step = new org.apache.hadoop.fs.Path(warehouse.checkpointFolder("base"), "step-8");
        ModelFolder model = TrainingCheckpoint.open(warehouse.files(), step).model();
        Map<String, String> inputs = model.manifest().lineage().inputs();
        Checkpoints.State state = new Checkpoints(warehouse, "base", new CheckpointConfig(4, 1, true))
                .resume(inputs)
                .orElseThrow();
        assertThat(state.last().step()).isEqualTo(8);
        assertThat(WeightArray.of(model.config(), state.parameters())).isEqualTo(WeightArray.of(model));
        for (float value : WeightArray.of(model.config(), state.second())) {
            assertThat(value).isNotNegative();
        }
        assertThat(WeightArray.of(model.config(), state.first())).hasSameSizeAs(WeightArray.of(model));
        assertThat(state.history()).extracting(TrainingRound::step).isEqualTo(List.of(2, 4, 6, 8));
    }
}
