package dev.uncurl.jobs.warehouse;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.jobs.Cli;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("slow")
class DeadRunsTest {
    private static final String UUID = "6c84fb90-12c4-11e1-840d-7b25c5ee775a";
    private static final Instant GUARD = Instant.now().minus(Duration.ofDays(3));

    @TempDir
    private Path folder;

    private Path make(String name, boolean old) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, "left");
        return old ? age(file) : file;
    }

    private static Path age(Path file) throws IOException {
        return Files.setLastModifiedTime(file, FileTime.from(GUARD.minusSeconds(60)));
    }

    /** Another machine's, which began in a certain moment. */
    private Path lease(String output, Instant started) throws IOException {
        Path file = folder.resolve("locks/" + output + ".1.lease");
        Files.createDirectories(file.getParent());
        return Files.write(file, new LeaseHolder("token", "there", "another machine", 7, started.toString()).json());
    }

    private List<String> find(Warehouse warehouse) {
        return new DeadRuns(warehouse)
                .find(GUARD).stream()
                        .map(left -> folder.toUri()
                                .relativize(
                                        Path.of(left.path().toUri().getPath()).toUri())
                                .getPath())
                        .map(name -> name.replaceAll("/$", ""))
                        .toList();
    }

    @Test
    void whatRunsCanGoOnWithStaysAndTheRestGoesUnlessItsLeaseIsHeld() throws IOException {
        Warehouse warehouse = new Cli(folder).open();
        make("models/whole/manifest.json", true);
        make("models/.dead." + UUID + ".tmp/shard", false);
        make("models/.busy." + UUID + ".tmp/shard", true);
        make("models/tried." + UUID + "/manifest.json", true);
        make("checkpoints/m/step-4/manifest.json", true);
        make("checkpoints/m/.step-8." + UUID + ".tmp/part", false);
        make("staging/flan/unit-000001.json", true);
        for (String old : List.of("staging/preflight-1", "staging/evaluation+m+t+train")) {
            make(old + "/file", true);
            age(folder.resolve(old));
        }
        make("staging/evaluation+new+t+train/file", false);
        age(lease("sweep+s+2026-11-01", Instant.EPOCH));
        lease("model+busy", Instant.EPOCH.plusSeconds(5));
        assertThat(find(warehouse))
                .containsExactlyInAnyOrder(
                        "models/.dead." + UUID + ".tmp",
                        "models/tried." + UUID,
                        "checkpoints/m/.step-8." + UUID + ".tmp",
                        "staging/preflight-1",
                        "staging/evaluation+m+t+train",
                        "locks/sweep+s+2026-11-01.1.lease");
        var dead = new DeadRuns(warehouse);
        assertThat(dead.oldestLive(GUARD)).isEqualTo(Instant.EPOCH.plusSeconds(5));
        assertThat(dead.isHeld("busy")).isTrue();
        assertThat(dead.isHeld("whole")).isFalse();
        Path evaluation = lease("evaluation+other+t", Instant.now());
        assertThat(find(warehouse)).hasSize(5).doesNotContain("staging/evaluation+m+t+train");
        Files.delete(evaluation);

        dead.find(GUARD)
                .forEach(left ->
                        assertThat(dead.remove(left)).as(left.toString()).isTrue());
        assertThat(find(warehouse)).isEmpty();
        assertThat(folder.resolve("models/whole/manifest.json")).exists();
        assertThat(folder.resolve("models/.busy." + UUID + ".tmp/shard")).exists();
        assertThat(folder.resolve("checkpoints/m/step-4/manifest.json")).exists();
        assertThat(folder.resolve("staging/flan/unit-000001.json")).exists();
        assertThat(folder.resolve("staging/evaluation+new+t+train/file")).exists();
    }

    @Test
    void whatAnotherRunHasTakenSinceItWasFoundStays() throws IOException {
        Warehouse warehouse = new Cli(folder).open();
        Path begun = make("models/.dead." + UUID + ".tmp/shard", false);
        var dead = new DeadRuns(warehouse);
        List<DeadRuns.Leftover> found = dead.find(GUARD);
        assertThat(found).hasSize(1);
        try (var lease = warehouse.lock("model", "dead")) {
            assertThat(dead.remove(found.get(0))).isFalse();
        }
        assertThat(begun).exists();
        assertThat(dead.remove(found.get(0))).isTrue();
        assertThat(begun).doesNotExist();
    }
}
