package dev.uncurl.jobs.warehouse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A lease excludes others until it is closed, its process is dead, or it was not renewed for its length. */
class OutputLeaseTest {
    /** Not renewed while a test runs. */
    private static final OutputLease.Terms TERMS =
            new OutputLease.Terms(Duration.ofSeconds(60), Duration.ofHours(1), Duration.ZERO);

    private static final String ELSEWHERE = "another machine";

    @TempDir
    private Path folder;

    private FileSystem fs;

    @BeforeEach
    void open() throws IOException {
        fs = FileSystem.getLocal(new Configuration());
    }

    private OutputLease take() {
        return take(fs);
    }

    private OutputLease take(FileSystem files) {
        return OutputLease.take(files, new org.apache.hadoop.fs.Path(folder.toString()), TERMS, "model", "m");
    }

    private Path file(int number) {
        return folder.resolve("model+m." + number + ".lease");
    }

    private void refused() {
        refused(fs);
    }

    private void refused(FileSystem files) {
        assertThatThrownBy(() -> take(files))
                .isInstanceOfSatisfying(
                        UserError.class, error -> assertThat(error.kind()).isEqualTo(UserError.Kind.CONFLICT))
                .hasMessageContaining("model m");
    }

    private static void age(Path file, long seconds) throws IOException {
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().minusSeconds(seconds)));
    }

    private void write(LeaseHolder holder) throws IOException {
        Files.write(file(1), holder.json());
    }

    private List<String> names() throws IOException {
        try (var files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void anOutputHasOneLeaseAtATimeAndLeavesNothingBehind() throws IOException {
        try (var lease = take();
                var other =
                        OutputLease.take(fs, new org.apache.hadoop.fs.Path(folder.toString()), TERMS, "model", "n")) {
            refused();
            lease.require();
            assertThat(names()).containsExactly("model+m.1.lease", "model+n.1.lease");
        }
        assertThat(names()).isEmpty();
        take().close();
    }

    @Test
    void ofManyThatTryAtOnceOneGetsTheLease() throws Exception {
        int threads = 6;
        var pool = Executors.newFixedThreadPool(threads);
        try {
            for (int round = 0; round < 10; round++) {
                var start = new CyclicBarrier(threads);
                var tries = new ArrayList<Future<OutputLease>>();
                for (int thread = 0; thread < threads; thread++) {
                    tries.add(pool.submit(() -> {
                        start.await();
                        try {
                            return take();
                        } catch (UserError e) {
                            assertThat(e.kind()).isEqualTo(UserError.Kind.CONFLICT);
                            return null;
                        }
                    }));
                }
                var taken = new ArrayList<OutputLease>();
                for (Future<OutputLease> one : tries) {
                    if (one.get() != null) {
                        taken.add(one.get());
                    }
                }
                assertThat(taken).hasSize(1);
                taken.get(0).close();
            }
        } finally {
            pool.shutdownNow();
        }
    }

    @Test
    void aLeaseOfAnotherMachineEndsWhenItWasNotRenewedForItsLength() throws IOException {
        write(new LeaseHolder("t", "host", ELSEWHERE, 1, ""));
        refused();
        age(file(1), 50);
        refused();
        age(file(1), 70);
        take().close();
        assertThat(names()).isEmpty();
    }

    @Test
    void aLeaseOfADeadProcessOfThisMachineEndsAtOnce() throws IOException, InterruptedException {
        Process process = new ProcessBuilder("true").start();
        process.waitFor();
        LeaseHolder own = LeaseHolder.here();
        write(new LeaseHolder("t", own.host(), own.machine(), process.pid(), "2026-01-01T00:00:00Z"));
        take().close();
        write(new LeaseHolder("t", own.host(), own.machine(), own.pid(), "2026-01-01T00:00:00Z"));
        take().close(); // an earlier process with the number of this one
        write(own);
        refused();
    }

    @Test
    void aFileThatIsBeingWrittenCountsAsALease() throws IOException {
        Files.createFile(file(1));
        refused();
        age(file(1), 70);
        take().close();
    }

    @Test
    void whoeverWasPausedForTooLongLosesTheLeaseAndLearnsIt() throws IOException {
        OutputLease paused = take();
        write(new LeaseHolder("t", "host", ELSEWHERE, 1, "")); // as if this process ran on another machine
        Files.delete(file(1));
        assertThatThrownBy(paused::require)
                .isInstanceOfSatisfying(
                        UserError.class, error -> assertThat(error.kind()).isEqualTo(UserError.Kind.CONFLICT))
                .hasMessageContaining("taken over model m");
        try (var next = take()) {
            paused.close();
            next.require();
            refused();
        }
    }

    @Test
    void theNextHolderHasTheNextNumberSoThatALateRenewalChangesNothing() throws IOException {
        write(new LeaseHolder("t", "host", ELSEWHERE, 1, ""));
        age(file(1), 70);
        try (var next = take()) {
            assertThat(names()).containsExactly("model+m.2.lease");
            write(new LeaseHolder("t", "host", ELSEWHERE, 1, "")); // the paused one wakes up and renews
            next.require();
        }
        assertThat(file(2)).doesNotExist();
    }

    /** A driver that died on another machine and was started again here. The storage's clock goes ten seconds ahead at each look. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aLeaseOfAnotherMachineIsWaitedForUntilItIsRenewedOrOver(boolean renewed) throws IOException {
        write(new LeaseHolder("t", "host", ELSEWHERE, 1, ""));
        var looks = new int[1];
        var passing = new RawLocalFileSystem() {
            @Override
            public FileStatus[] listStatus(org.apache.hadoop.fs.Path path) throws IOException {
                if (++looks[0] == 3 && renewed) {
                    age(file(1), -20);
                }
                return super.listStatus(path);
            }

            @Override
            public FileStatus getFileStatus(org.apache.hadoop.fs.Path path) throws IOException {
                FileStatus status = super.getFileStatus(path);
                long later = path.getName().endsWith(".now") ? 10_000L * looks[0] : 0;
                return new FileStatus(
                        status.getLen(), status.isDirectory(), 1, 1, status.getModificationTime() + later, path);
            }
        };
        passing.initialize(URI.create("file:///"), new Configuration());
        var terms = new OutputLease.Terms(Duration.ofSeconds(60), Duration.ofHours(1), Duration.ofMillis(1));
        var place = new org.apache.hadoop.fs.Path(folder.toString());
        if (renewed) {
            assertThatThrownBy(() -> OutputLease.take(passing, place, terms, "model", "m"))
                    .hasMessageContaining("Another run is writing model m");
        } else {
            OutputLease.take(passing, place, terms, "model", "m").close();
        }
        assertThat(looks[0]).isGreaterThanOrEqualTo(renewed ? 3 : 6);
        assertThat(Files.exists(file(1))).isEqualTo(renewed);
    }

    /** A storage whose clock differs from the machine's by any number of seconds. */
    @ParameterizedTest
    @ValueSource(longs = {-7200, 7200})
    void onlyTheClockOfTheStorageCounts(long offset) throws IOException {
        var shifted = new RawLocalFileSystem() {
            @Override // listStatus calls it, too
            public FileStatus getFileStatus(org.apache.hadoop.fs.Path path) throws IOException {
                FileStatus status = super.getFileStatus(path);
                return new FileStatus(
                        status.getLen(),
                        status.isDirectory(),
                        1,
                        1,
                        status.getModificationTime() + 1000 * offset,
                        status.getPath());
            }
        };
        shifted.initialize(URI.create("file:///"), new Configuration());
        write(new LeaseHolder("t", "host", ELSEWHERE, 1, ""));
        refused(shifted);
        age(file(1), 70);
        take(shifted).close();
    }
}
