package dev.uncurl.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import dev.uncurl.model.WeightArrays;
import dev.uncurl.model.Weights;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainingCheckpointTest {
    private static final ModelConfig CONFIG =
            new ModelConfig(3, 4, 2, 8, 11, 6, new MoeConfig(3, 2, 2, true, 0.01, 0.001));
    private static final Lineage LINEAGE = Lineage.here(null, "pretrain", Map.of("seed", "7"), "pretrain", "none");
    private static final byte[] TRAINING = "{\"sequences\":7}".getBytes(StandardCharsets.UTF_8);
    private static final int PARAMETERS = (int) ParameterLayout.of(CONFIG).length();

    @TempDir
    Path folder;

    private FileSystem fs;
    private final float[] parameters = random(PARAMETERS, 1);
    private final float[] first = random(PARAMETERS, 2);
    private final float[] second = random(PARAMETERS, 3);

    private static Weights weights(float[] all) {
        return WeightArrays.of(CONFIG, all);
    }

    private static float[] array(Weights weights) {
        return WeightArrays.array(CONFIG, weights);
    }

    private static float[] random(int length, int seed) {
        var random = new Random(seed);
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            values[i] = Float.intBitsToFloat(random.nextInt(0x7f000000));
        }
        return values;
    }

    @BeforeEach
    void write() throws IOException {
        fs = FileSystem.getLocal(new Configuration());
        TrainingCheckpoint.write(
                fs, path("step-4"), CONFIG, weights(parameters), weights(first), weights(second), TRAINING, LINEAGE);
    }

    private org.apache.hadoop.fs.Path path(String name) {
        return new org.apache.hadoop.fs.Path(folder.resolve(name).toUri());
    }

    @Test
    void everythingComesBackBitForBitAndTheFolderIsAModelToo() throws IOException {
        var checkpoint = TrainingCheckpoint.open(fs, path("step-4"));
        assertThat(array(checkpoint.model())).containsExactly(parameters);
        assertThat(array(checkpoint.firstMoments())).containsExactly(first);
        assertThat(array(checkpoint.secondMoments())).containsExactly(second);
        assertThat(checkpoint.training()).isEqualTo(TRAINING);
        assertThat(checkpoint.model().manifest().lineage()).isEqualTo(LINEAGE);
        assertThat(array(ModelFolder.open(fs, path("step-4")))).containsExactly(parameters);
    }

    /** Under the names that PyTorch's AdamW gives them. */
    @Test
    void momentsStandInTensorsOfTheirOwn() throws IOException {
        var tensor = ParameterLayout.of(CONFIG).tensor("h.1.moe.router.weight");
        var file = Safetensors.open(fs, path("step-4/optimizer-00001-of-00004.safetensors"));
        float[] values = new float[(int) tensor.length()];
        for (int kind = 0; kind < 2; kind++) {
            file.read((kind == 0 ? "exp_avg." : "exp_avg_sq.") + tensor.name(), values, 0);
            int from = (int) tensor.offset();
            float[] moments = kind == 0 ? first : second;
            assertThat(values).containsExactly(java.util.Arrays.copyOfRange(moments, from, from + values.length));
        }
    }

    @Test
    void aFlippedByteOrAMissingFileOfAnyKindIsRefusedAndTheFileNamed() throws IOException {
        for (String name :
                ModelFolder.open(fs, path("step-4")).manifest().files().keySet()) {
            Path file = folder.resolve("step-4").resolve(name);
            byte[] content = Files.readAllBytes(file);
            byte[] flipped = content.clone();
            flipped[content.length - 1] ^= 1;
            Files.write(file, flipped);
            assertRefused(name);
            Files.delete(file);
            assertRefused(name);
            Files.write(file, content);
        }
        TrainingCheckpoint.open(fs, path("step-4"));
    }

    private void assertRefused(String name) {
        assertThatThrownBy(() -> TrainingCheckpoint.open(fs, path("step-4")))
                .isInstanceOf(UserError.class)
                .hasMessageContaining(name);
    }

    @Test
    void aModelIsNoCheckpoint() throws IOException {
        ModelFolder.write(fs, path("model"), CONFIG, weights(parameters), LINEAGE);
        assertThatThrownBy(() -> TrainingCheckpoint.open(fs, path("model")))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("not a checkpoint")
                .hasMessageContaining("training.json");
    }

    @Test
    void aCheckpointIsNeverOverwritten() throws IOException {
        assertThatThrownBy(() -> TrainingCheckpoint.write(
                        fs,
                        path("step-4"),
                        CONFIG,
                        weights(new float[PARAMETERS]),
                        weights(new float[PARAMETERS]),
                        weights(new float[PARAMETERS]),
                        TRAINING,
                        LINEAGE))
                .isInstanceOf(UserError.class);
        assertThat(array(TrainingCheckpoint.open(fs, path("step-4")).firstMoments()))
                .containsExactly(first);
        try (var files = Files.list(folder)) {
            assertThat(files).hasSize(1);
        }
    }
}
