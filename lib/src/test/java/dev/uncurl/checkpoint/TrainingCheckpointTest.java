package dev.uncurl.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.collective.Bounds;
import dev.uncurl.error.UserError;
import dev.uncurl.model.FlatMoments;
import dev.uncurl.model.WeightArrays;
import dev.uncurl.model.Weights;
import dev.uncurl.model.spec.DType;
import dev.uncurl.model.spec.ElementRange;
import dev.uncurl.model.spec.ExpertShare;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
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
    /** Of three ranks. */
    private final long[] bounds = Bounds.even(PARAMETERS, 3);

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
        write("step-4");
    }

    /** Each rank knows its own slice of the moments alone. */
    private void write(String name) throws IOException {
        ModelStaging staging = ModelStaging.create(fs, path(name), CONFIG);
        var parts = new ArrayList<CheckpointPart>();
        for (int rank = 2; rank >= 0; rank--) {
            var slice = new CheckpointPart.Slice(rank, 3, bounds[rank], bounds[rank + 1] - bounds[rank]);
            var attached = ModelStaging.attach(fs, path(name), CONFIG, DType.F32, staging.token());
            parts.add(CheckpointPart.write(attached, weights(parameters), moments(slice), slice));
        }
        TrainingCheckpoint.publish(staging, parts, TRAINING, LINEAGE);
    }

    /** The moments of a rank: those of its ranges, one after another. */
    private Function<ElementRange, Weights> moments(CheckpointPart.Slice slice) {
        float[] own = moments(first, slice);
        float[] squares = moments(second, slice);
        return range -> (name, values) -> values.take(
                Arrays.copyOfRange(
                        name.equals(FlatMoments.FIRST) ? own : squares, (int) range.from(), (int) range.to()),
                (int) range.length(),
                0);
    }

    private static float[] moments(float[] all, CheckpointPart.Slice slice) {
        return join(all, slice.ranges());
    }

    private static float[] join(float[] all, List<ElementRange> ranges) {
        float[] joined =
                new float[(int) ranges.stream().mapToLong(ElementRange::length).sum()];
        int at = 0;
        for (ElementRange range : ranges) {
            System.arraycopy(all, (int) range.from(), joined, at, (int) range.length());
            at += (int) range.length();
        }
        return joined;
    }

    private static List<ElementRange> range(long from, long to) {
        return List.of(new ElementRange(from, to));
    }

    private static float[] read(Weights moments, String name, int length) throws IOException {
        float[] all = new float[length];
        moments.read(name, (values, count, at) -> System.arraycopy(values, 0, all, at, count));
        return all;
    }

    private org.apache.hadoop.fs.Path path(String name) {
        return new org.apache.hadoop.fs.Path(folder.resolve(name).toUri());
    }

    @Test
    void everythingComesBackBitForBitAndTheFolderIsAModelToo() throws IOException {
        var checkpoint = TrainingCheckpoint.open(fs, path("step-4"));
        assertThat(array(checkpoint.model())).containsExactly(parameters);
        Weights all = checkpoint.moments(range(0, PARAMETERS));
        assertThat(read(all, FlatMoments.FIRST, PARAMETERS)).containsExactly(first);
        assertThat(read(all, FlatMoments.SECOND, PARAMETERS)).containsExactly(second);
        assertThat(checkpoint.training()).isEqualTo(TRAINING);
        assertThat(checkpoint.model().manifest().lineage()).isEqualTo(LINEAGE);
        assertThat(array(ModelFolder.open(fs, path("step-4")))).containsExactly(parameters);
    }

    @Test
    void theMomentsOfAnySliceCanBeReadWhateverSlicesWereWritten() throws IOException {
        var checkpoint = TrainingCheckpoint.open(fs, path("step-4"));
        int cut = (int) bounds[1];
        int[][] slices = {
            {0, 1},
            {0, cut},
            {cut - 1, cut + 1},
            {cut, PARAMETERS},
            {3, PARAMETERS - 2},
            {5, 5},
            {(int) bounds[2], PARAMETERS}
        };
        for (int[] slice : slices) {
            Weights moments = checkpoint.moments(range(slice[0], slice[1]));
            assertThat(read(moments, FlatMoments.FIRST, slice[1] - slice[0]))
                    .as(Arrays.toString(slice))
                    .containsExactly(Arrays.copyOfRange(first, slice[0], slice[1]));
            assertThat(read(moments, FlatMoments.SECOND, slice[1] - slice[0]))
                    .containsExactly(Arrays.copyOfRange(second, slice[0], slice[1]));
        }
    }

    /** A block of three experts by four ranks, of which two divide the experts; then read by other ranks. */
    @Test
    void ranksThatDivideExpertsWriteWhatTheyHoldAndAnyOtherRanksReadIt() throws IOException {
        ModelStaging staging = ModelStaging.create(fs, path("step-6"), CONFIG, DType.F32, 2);
        var parts = new ArrayList<CheckpointPart>();
        for (int rank = 0; rank < 4; rank++) {
            var slice = new CheckpointPart.Slice(rank, 4, updated(rank, 4, 2));
            var attached = ModelStaging.attach(fs, path("step-6"), CONFIG, DType.F32, 2, staging.token());
            Weights own = held(ExpertShare.of(rank, 2));
            parts.add(CheckpointPart.write(attached, own, moments(slice), slice, 7));
        }
        TrainingCheckpoint.publish(staging, parts, TRAINING, LINEAGE);
        var checkpoint = TrainingCheckpoint.open(fs, path("step-6"));
        assertThat(array(checkpoint.model())).containsExactly(parameters);
        for (int[] pair : new int[][] {{1, 1}, {3, 1}, {3, 3}, {6, 3}, {2, 2}}) {
            for (int rank = 0; rank < pair[0]; rank++) {
                List<ElementRange> ranges = updated(rank, pair[0], pair[1]);
                float[] expected = join(second, ranges);
                assertThat(read(checkpoint.moments(ranges), FlatMoments.SECOND, expected.length))
                        .as(Arrays.toString(pair) + rank)
                        .containsExactly(expected);
            }
        }
    }

    /** The parameters that a rank updates: its slice of the common ones, and its slice of its experts'. */
    private static List<ElementRange> updated(int rank, int ranks, int parts) {
        ParameterLayout own = ParameterLayout.of(CONFIG, ExpertShare.of(rank, parts));
        long[] common = Bounds.even(own.common(), ranks);
        long[] experts = Bounds.even(own.length() - own.common(), ranks / parts);
        var ranges = new ArrayList<ElementRange>();
        ranges.addAll(own.in(ParameterLayout.of(CONFIG), new ElementRange(common[rank], common[rank + 1])));
        ranges.addAll(own.in(
                ParameterLayout.of(CONFIG),
                new ElementRange(own.common() + experts[rank / parts], own.common() + experts[rank / parts + 1])));
        return ranges;
    }

    /** Weights without the experts of other parts. */
    private Weights held(ExpertShare share) {
        ParameterLayout own = ParameterLayout.of(CONFIG, share);
        return (name, values) -> {
            own.tensor(name);
            weights(parameters).read(name, values);
        };
    }

    /** A file per rank, with the names that PyTorch's AdamW gives the moments. */
    @Test
    void eachRanksMomentsStandInAFileOfTheirOwn() throws IOException {
        var file = Safetensors.open(fs, path("step-4/moments-00001-of-00003.safetensors"));
        float[] values = new float[(int) (bounds[2] - bounds[1])];
        file.read("exp_avg_sq", values, 0);
        assertThat(values).containsExactly(Arrays.copyOfRange(second, (int) bounds[1], (int) bounds[2]));
        assertThat(file.metadata()).containsEntry("begin", Long.toString(bounds[1]));
    }

    @Test
    void aCheckpointWithoutTheMomentsOfARankIsRefused() throws IOException {
        ModelStaging staging = ModelStaging.create(fs, path("step-5"), CONFIG);
        var parts = new ArrayList<CheckpointPart>();
        for (int rank : new int[] {0, 2}) {
            var slice = new CheckpointPart.Slice(rank, 3, bounds[rank], bounds[rank + 1] - bounds[rank]);
            parts.add(CheckpointPart.write(staging, weights(parameters), moments(slice), slice));
        }
        staging.writeShard(1, weights(parameters));
        TrainingCheckpoint.publish(staging, parts, TRAINING, LINEAGE);
        assertThatThrownBy(() -> TrainingCheckpoint.open(fs, path("step-5")))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("moments of the parameters from " + bounds[1] + " on");
    }

    @Test
    void aCheckpointOfAveragedRanksIsRefusedAndKept() throws IOException {
        ModelStaging staging = ModelStaging.create(fs, path("old"), CONFIG);
        staging.writeCompanion("optimizer-00000-of-00004.safetensors", TRAINING);
        staging.writeCompanion("training.json", TRAINING);
        staging.publish(LINEAGE, staging.writeShards(weights(parameters)));
        assertThatThrownBy(() -> TrainingCheckpoint.open(fs, path("old")))
                .isInstanceOfSatisfying(
                        UserError.class, error -> assertThat(error.kind()).isEqualTo(UserError.Kind.CONFLICT))
                .hasMessageContaining("averaged their parameters")
                .hasMessageContaining("another name");
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
        assertThatThrownBy(() -> write("step-4")).isInstanceOf(UserError.class);
        assertThat(read(
                        TrainingCheckpoint.open(fs, path("step-4")).moments(range(0, PARAMETERS)),
                        FlatMoments.FIRST,
                        PARAMETERS))
                .containsExactly(first);
        try (var files = Files.list(folder)) {
            assertThat(files).hasSize(1);
        }
    }
}
