package dev.uncurl.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import dev.uncurl.model.spec.DType;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.RawLocalFileSystem;
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

    @Test
    void aWriterThatDiesWhileItPublishesLeavesAnUnfinishedFolderWhichTheNextOneRemoves() throws IOException {
        Path whole = folder.resolve("whole");
        write("whole");
        Path target = folder.resolve("m");
        assertThat(Unfinished.reserve(plain(), hadoop(target), "the dead one")).isTrue();
        Files.copy(whole.resolve("config.json"), target.resolve("config.json"));
        assertThatThrownBy(() -> open("m")).isInstanceOf(UserError.class).hasMessageContaining("no valid manifest");
        assertThatThrownBy(() -> write("m")).isInstanceOf(UserError.class).hasMessageContaining("exists already");
        assertThat(Unfinished.is(plain(), hadoop(target))).isTrue();
        Unfinished.remove(fs, hadoop(target));
        write("m");
        open("m").verify();
        assertThat(Unfinished.is(plain(), hadoop(target))).isFalse();
        Files.delete(target.resolve("manifest.json"));
        assertThat(Unfinished.is(plain(), hadoop(target)))
                .as("damaged, not unfinished")
                .isFalse();
    }

    private FileSystem plain() {
        return Storage.plain(fs);
    }

    @Test
    void ofTwoThatPublishAtOneMomentOneWins() throws Exception {
        var threads = Executors.newFixedThreadPool(2);
        try {
            for (int round = 0; round < 20; round++) {
                String name = "m" + round;
                var start = new CyclicBarrier(2);
                var outcomes = new ArrayList<Future<Boolean>>();
                for (int writer = 0; writer < 2; writer++) {
                    outcomes.add(threads.submit(() -> publishesAfter(start, name)));
                }
                assertThat(List.of(outcomes.get(0).get(), outcomes.get(1).get()))
                        .containsExactlyInAnyOrder(true, false);
                open(name).verify();
                assertThat(listing(folder.resolve(name))).isEqualTo(listing(folder.resolve("m0")));
            }
        } finally {
            threads.shutdownNow();
        }
        assertThat(listing(folder)).hasSize(20);
    }

    private boolean publishesAfter(CyclicBarrier start, String name) throws Exception {
        ModelStaging staging = ModelStaging.create(fs, hadoop(folder.resolve(name)), CONFIG);
        fill(staging);
        start.await();
        try {
            staging.publish(LINEAGE, Map.of());
            return true;
        } catch (UserError e) {
            assertThat(e.kind()).isEqualTo(UserError.Kind.CONFLICT);
            staging.discard();
            return false;
        }
    }

    @Test
    void aWriterThatWasThoughtDeadCannotChangeTheModelOfTheNext() throws IOException {
        var target = hadoop(folder.resolve("m"));
        ModelStaging paused = ModelStaging.create(fs, target, CONFIG);
        fill(paused);
        plain().delete(new org.apache.hadoop.fs.Path(target.getParent(), "." + "m." + paused.token() + ".tmp"), true);
        String whole = write("m").manifestSha256();
        assertThatThrownBy(() -> paused.publish(LINEAGE, Map.of())).isInstanceOf(Exception.class);
        paused.discard();
        open("m").verify();
        assertThat(open("m").manifestSha256()).isEqualTo(whole);
        assertThat(listing(folder)).containsExactly("m");
    }

    /** A file system that says it is an object store. */
    static final class Store extends RawLocalFileSystem {
        private final List<org.apache.hadoop.fs.Path> created = Collections.synchronizedList(new ArrayList<>());

        @Override
        public URI getUri() {
            return URI.create("s3a://bucket");
        }

        @Override
        public FSDataOutputStream create(
                org.apache.hadoop.fs.Path file,
                boolean overwrite,
                int buffer,
                short replication,
                long block,
                org.apache.hadoop.util.Progressable progress)
                throws IOException {
            created.add(file);
            return super.create(file, overwrite, buffer, replication, block, progress);
        }

        @Override
        public boolean rename(org.apache.hadoop.fs.Path from, org.apache.hadoop.fs.Path to) {
            throw new AssertionError("an object store has no rename: " + from);
        }
    }

    @Test
    void onAnObjectStoreEachWriterHasAFolderOfItsOwnWhoseLastFileIsTheManifest() throws IOException {
        var store = new Store();
        store.initialize(URI.create("s3a://bucket/"), new Configuration());
        var target = new org.apache.hadoop.fs.Path("s3a://bucket" + folder.resolve("m"));
        ModelStaging first = ModelStaging.create(store, target, CONFIG);
        ModelStaging second = ModelStaging.create(store, target, CONFIG);
        fill(first);
        fill(second);
        var unfinished = new org.apache.hadoop.fs.Path(target.getParent(), "m." + second.token());
        assertThat(Unfinished.is(store, unfinished)).isTrue();
        ModelFolder model = first.publish(LINEAGE, Map.of());
        assertThat(store.created.get(store.created.size() - 1).getName()).isEqualTo("manifest.json");
        assertThat(model.dir().getName()).isEqualTo("m." + first.token());
        assertThat(Unfinished.name(model.dir().getName())).isEqualTo("m");
        model.verify();
        assertThat(model.manifestSha256())
                .isEqualTo(second.publish(LINEAGE, Map.of()).manifestSha256())
                .isEqualTo(write("direct").manifestSha256());
        second.discard();
        assertThat(listing(folder)).containsExactlyInAnyOrder("direct", "m." + first.token());
        Unfinished.remove(store, model.dir());
        assertThat(listing(folder)).containsExactly("direct");
    }
}
