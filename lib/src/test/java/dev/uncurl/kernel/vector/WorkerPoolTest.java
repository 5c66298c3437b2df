package dev.uncurl.kernel.vector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class WorkerPoolTest {
    @Property(tries = 60)
    void everyJobRunsOnce(
            @ForAll @IntRange(min = 1, max = 4) int threads, @ForAll @IntRange(min = 0, max = 50) int jobs) {
        try (var pool = new WorkerPool(threads)) {
            for (int call = 0; call < 20; call++) {
                var runs = new AtomicIntegerArray(jobs);
                pool.run(jobs, (index, worker) -> {
                    assertThat(worker).isBetween(0, threads - 1);
                    runs.incrementAndGet(index);
                });
                assertThat(IntStream.range(0, jobs).map(runs::get)).allMatch(count -> count == 1);
            }
        }
    }

    @Property(tries = 60)
    void piecesCoverTheLengthOnce(
            @ForAll @IntRange(min = 0, max = 90) int length, @ForAll @IntRange(min = 1, max = 20) int step) {
        try (var pool = new WorkerPool(2)) {
            var covered = new AtomicIntegerArray(length);
            pool.split(length, step, (from, to, worker) -> {
                assertThat(to - from).isBetween(1, step);
                IntStream.range(from, to).forEach(covered::incrementAndGet);
            });
            assertThat(IntStream.range(0, length).map(covered::get)).allMatch(count -> count == 1);
        }
    }

    @Test
    void jobsRunAtTheSameTimeEachWithAWorkerOfItsOwn() {
        try (var pool = new WorkerPool(3)) {
            var together = new CountDownLatch(3);
            var workers = ConcurrentHashMap.<Integer>newKeySet();
            pool.run(3, (index, worker) -> {
                workers.add(worker);
                together.countDown();
                await(together);
            });
            assertThat(workers).containsExactlyInAnyOrder(0, 1, 2);
        }
    }

    @Test
    void aCallFromInsideAJobStaysOnItsThread() {
        try (var pool = new WorkerPool(2)) {
            var together = new CountDownLatch(2);
            pool.run(2, (index, worker) -> {
                together.countDown();
                await(together);
                Thread outer = Thread.currentThread();
                pool.run(5, (inner, sameWorker) -> {
                    assertThat(Thread.currentThread()).isSameAs(outer);
                    assertThat(sameWorker).isEqualTo(worker);
                });
            });
        }
    }

    @Test
    void whatAJobThrowsReachesTheCallerAndThePoolContinues() {
        try (var pool = new WorkerPool(2)) {
            var runs = new AtomicIntegerArray(9);
            assertThatThrownBy(() -> pool.run(9, (index, worker) -> {
                        runs.incrementAndGet(index);
                        if (index == 4) {
                            throw new IllegalStateException("job 4");
                        }
                    }))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("job 4");
            assertThat(IntStream.range(0, 9).map(runs::get)).allMatch(count -> count == 1);
            pool.run(9, (index, worker) -> runs.incrementAndGet(index));
            assertThat(IntStream.range(0, 9).map(runs::get)).allMatch(count -> count == 2);
        }
    }

    @Test
    void aClosedPoolHasNoThreadsAndTakesNoWork() throws InterruptedException {
        var helpers = ConcurrentHashMap.<Thread>newKeySet();
        var pool = new WorkerPool(3);
        var together = new CountDownLatch(3);
        pool.run(3, (index, worker) -> {
            if (worker > 0) {
                helpers.add(Thread.currentThread());
            }
            together.countDown();
            await(together);
        });
        assertThat(helpers).hasSize(2).allMatch(Thread::isDaemon);
        pool.close();
        for (Thread helper : helpers) {
            helper.join(10_000);
            assertThat(helper.isAlive()).isFalse();
        }
        assertThatThrownBy(() -> pool.run(2, (index, worker) -> {})).hasMessageContaining("closed");
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException interrupted) {
            throw new IllegalStateException(interrupted);
        }
    }
}
