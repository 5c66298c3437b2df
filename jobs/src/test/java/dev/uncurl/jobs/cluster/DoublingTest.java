package dev.uncurl.jobs.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DoublingTest {
    private record Address(int sender, int receiver, int round) {}

    /** Messages of all ranks, within this process. */
    private final Map<Address, BlockingQueue<ByteBuffer>> boxes = new ConcurrentHashMap<>();

    private final AtomicInteger values = new AtomicInteger();

    private BlockingQueue<ByteBuffer> box(int sender, int receiver, int round) {
        return boxes.computeIfAbsent(new Address(sender, receiver, round), address -> new LinkedBlockingQueue<>());
    }

    private Doubling.Post of(int rank, AtomicInteger messages) {
        return new Doubling.Post() {
            @Override
            public void send(int receiver, int round, ByteBuffer body, int bytes) {
                messages.incrementAndGet();
                values.addAndGet(bytes);
                byte[] copy = new byte[body.remaining()];
                body.get(copy);
                box(rank, receiver, round).add(ByteBuffer.wrap(copy).order(ByteOrder.nativeOrder()));
            }

            @Override
            public ByteBuffer take(int round, List<Integer> senders) {
                try {
                    return box(senders.get(round), rank, round).take();
                } catch (InterruptedException e) {
                    throw new IllegalStateException("The test was interrupted", e);
                }
            }
        };
    }

    /** Bodies of 0, 8, 16, ... bytes. */
    private static List<long[]> drawn(int size) {
        var random = new Random(size);
        var all = new ArrayList<long[]>();
        for (int rank = 0; rank < size; rank++) {
            all.add(random.longs((rank + 2) % 5).toArray());
        }
        return all;
    }

    private static ByteBuffer body(long[] numbers) {
        ByteBuffer body = Header.buffer(numbers.length * Long.BYTES);
        body.asLongBuffer().put(numbers);
        return body;
    }

    private static List<long[]> numbers(List<ByteBuffer> bodies) {
        var all = new ArrayList<long[]>();
        for (ByteBuffer body : bodies) {
            long[] numbers = new long[body.remaining() / Long.BYTES];
            body.asLongBuffer().get(numbers);
            all.add(numbers);
        }
        return all;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8, 9, 32, 33})
    void everyRankGetsTheNumbersOfAllInLogarithmicallyManyRounds(int size) throws Exception {
        List<long[]> drawn = drawn(size);
        var threads = Executors.newFixedThreadPool(size);
        try {
            var ranks = new ArrayList<Callable<List<ByteBuffer>>>();
            var messages = new ArrayList<AtomicInteger>();
            for (int i = 0; i < size; i++) {
                int rank = i;
                var own = new AtomicInteger();
                messages.add(own);
                ranks.add(() -> new Doubling(of(rank, own), rank, size).all(body(drawn.get(rank))));
            }
            for (Future<List<ByteBuffer>> rank : threads.invokeAll(ranks)) {
                assertThat(numbers(rank.get())).usingRecursiveComparison().isEqualTo(drawn);
            }
            int rounds = 32 - Integer.numberOfLeadingZeros(size - 1);
            assertThat(messages).allMatch(own -> own.get() == rounds);
            // a number is sent once for each rank that gets it
            assertThat(values)
                    .hasValue(drawn.stream()
                            .mapToInt(one -> one.length * Long.BYTES * (size - 1))
                            .sum());
        } finally {
            threads.shutdownNow();
        }
    }
}
