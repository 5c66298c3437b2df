package dev.uncurl.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.clustering.LogitSamples;
import dev.uncurl.config.ModelConfig;
import dev.uncurl.config.MoeConfig;
import dev.uncurl.error.Refusal;
import dev.uncurl.model.ParameterLayout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How models come into their place: whole, or not at all. */
class ModelStagingTest {
    private static final ModelConfig CONFIG =
            new ModelConfig(3, 4, 2, 8, 11, 6, new MoeConfig(3, 2, 2, true, 0.01, 0.001, 1.25));
    private static final Lineage LINEAGE =
            Lineage.here("parent", "finetune", Map.of("seed", "7"), "uncurl finetune", "none");

    @TempDir
    Path folder;

    private FileSystem fs;
    private float[] parameters;

    @BeforeEach
    void model() throws IOException {
        fs = FileSystem.getLocal(new Configuration());
        int length = (int) ParameterLayout.of(CONFIG).length();
        parameters = LogitSamples.floats(new Random(1), length, 1);
    }

    private static org.apache.hadoop.fs.Path hadoop(Path path) {
        return new org.apache.hadoop.fs.Path(path.toUri());
    }

    private ModelFolder write(String name) throws IOException {
        return ModelFolder.write(fs, hadoop(folder.resolve(name)), CONFIG, parameters, LINEAGE);
    }

    private ModelFolder open(String name) throws IOException {
        return ModelFolder.open(fs, hadoop(folder.resolve(name)));
    }

    private List<String> listing(Path dir) throws IOException {
        try (var files = Files.list(dir)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void aModelIsNeverOverwritten() throws IOException {
        String before = write("m").manifestSha256();
        assertThatThrownBy(() -> write("m"))
                .isInstanceOf(Refusal.class)
                .extracting(e -> ((Refusal) e).kind())
                .isEqualTo(Refusal.Kind.CONFLICT);
        assertThat(open("m").manifestSha256()).isEqualTo(before);
        assertThat(listing(folder)).containsExactly("m");
    }

    @Test
    void twoWritersOfOnePlaceGiveOneWholeModel() throws IOException {
        var target = hadoop(folder.resolve("m"));
        ModelStaging first = ModelStaging.create(fs, target, CONFIG);
        ModelStaging second = ModelStaging.create(fs, target, CONFIG);
        fill(first);
        fill(second);
        first.publish(LINEAGE, Map.of());
        assertThatThrownBy(() -> second.publish(LINEAGE, Map.of())).isInstanceOf(Refusal.class);
        second.discard();
        open("m").verify();
        assertThat(listing(folder)).containsExactly("m");
    }

    private void fill(ModelStaging staging) throws IOException {
        for (int shard = 0; shard < staging.shards().count(); shard++) {
            fill(staging, shard);
        }
    }

    private Manifest.Entry fill(ModelStaging staging, int shard) throws IOException {
        var tensors = staging.shards().tensors(shard);
        return staging.writeShard(shard, writer -> {
            for (var tensor : tensors) {
                writer.write(tensor.name(), parameters, (int) tensor.offset());
            }
        });
    }

    @Test
    void whoeverDiesBeforePublishingLeavesNothingVisible() throws IOException {
        var target = hadoop(folder.resolve("m"));
        ModelStaging dead = ModelStaging.create(fs, target, CONFIG);
        fill(dead, 0);
        assertThatThrownBy(() -> dead.publish(LINEAGE, Map.of()))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("model-00001");
        assertThat(folder.resolve("m")).doesNotExist();
        assertThatThrownBy(() -> open("m")).isInstanceOf(Refusal.class);
        // even one that had its manifest and died before the rename
        String hidden = listing(folder).get(0);
        write("whole");
        for (String file : listing(folder.resolve("whole"))) {
            Files.copy(
                    folder.resolve("whole").resolve(file),
                    folder.resolve(hidden).resolve(file),
                    java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        }
        assertThatThrownBy(() -> open(hidden)).isInstanceOf(Refusal.class).hasMessageContaining("not a finished");
        write("m");
        open("m").verify();
    }

    @Test
    void separateProcessesAssembleTheSameModel() throws IOException {
        var target = hadoop(folder.resolve("m"));
        ModelStaging driver = ModelStaging.create(fs, target, CONFIG);
        var entries = new TreeMap<Integer, Manifest.Entry>();
        for (int shard = 0; shard < driver.shards().count(); shard++) {
            ModelStaging task = ModelStaging.attach(fs, target, CONFIG, driver.token());
            entries.put(shard, fill(task, shard));
            assertThat(fill(task, shard)).as("a second attempt").isEqualTo(entries.get(shard));
        }
        entries.remove(2);
        ModelFolder assembled = driver.publish(LINEAGE, entries);
        assembled.verify();
        assertThat(assembled.manifestSha256()).isEqualTo(write("direct").manifestSha256());
        assertThat(listing(folder.resolve("m"))).isEqualTo(listing(folder.resolve("direct")));
    }
}
