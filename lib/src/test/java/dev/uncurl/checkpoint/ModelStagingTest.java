package dev.uncurl.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import dev.uncurl.model.spec.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** How models come into their place: whole, or not at all. */
class ModelStagingTest extends ModelFolderFixture {
    @Test
    void aModelIsNeverOverwritten() throws IOException {
        String before = write("m").manifestSha256();
        assertThatThrownBy(() -> write("m"))
                .isInstanceOf(UserError.class)
                .extracting(e -> ((UserError) e).kind())
                .isEqualTo(UserError.Kind.CONFLICT);
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
        assertThatThrownBy(() -> second.publish(LINEAGE, Map.of())).isInstanceOf(UserError.class);
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
        assertThatThrownBy(() -> open("m")).isInstanceOf(UserError.class);
        // even one that had its manifest and died before the rename
        String hidden = listing(folder).get(0);
        write("whole");
        for (String file : listing(folder.resolve("whole"))) {
            Files.copy(
                    folder.resolve("whole").resolve(file),
                    folder.resolve(hidden).resolve(file),
                    java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        }
        assertThatThrownBy(() -> open(hidden)).isInstanceOf(UserError.class).hasMessageContaining("not a finished");
        write("m");
        open("m").verify();
    }

    @Test
    void separateProcessesAssembleTheSameModel() throws IOException {
        var target = hadoop(folder.resolve("m"));
        ModelStaging driver = ModelStaging.create(fs, target, CONFIG);
        var entries = new TreeMap<Integer, Manifest.Entry>();
        for (int shard = 0; shard < driver.shards().count(); shard++) {
            ModelStaging task = ModelStaging.attach(fs, target, CONFIG, DType.F32, driver.token());
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
