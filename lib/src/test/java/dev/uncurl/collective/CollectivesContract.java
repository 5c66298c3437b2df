package dev.uncurl.collective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What every implementation of {@link Collectives} does. A subclass is the test of one of them. */
public abstract class CollectivesContract {
    private static final int[] SIZES = {1, 2, 3, 4, 5, 8};
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final Duration SHORT = Duration.ofMillis(700);

    /** @return [size] by rank; a thread of its own uses each */
    protected abstract List<? extends Collectives> open(int size, Duration deadline) throws Exception;

    private List<? extends Collectives> open(int size) throws Exception {
        return open(size, LONG);
    }

    @Test
    void ranksKnowTheirPlace() throws Exception {
        for (int size : SIZES) {
            List<int[]> known = Crew.run(open(size), ranks -> new int[] {ranks.rank(), ranks.size()});
            for (int rank = 0; rank < size; rank++) {
                assertThat(known.get(rank)).containsExactly(rank, size);
            }
        }
    }

    @Test
    void sumsAreAddedInTheOrderOfRanks() throws Exception {
        for (int size : SIZES) {
            for (int length : new int[] {0, 1, size - 1, size, 7, 1001, 70_000}) {
                float[][] values = Drawn.values(new Random(length), size, length);
                assertReduced(values, NaiveRanks.sum(values));
            }
        }
    }

    @Test
    void rangesLongerThanAWindowAreSummed() throws Exception {
        for (int size : new int[] {2, 3}) {
            float[][] values = Drawn.values(new Random(size), size, 3 * FloatRange.WINDOW + 5);
            assertReduced(values, NaiveRanks.sum(values));
        }
    }

    private void assertReduced(float[][] values, float[] expected) throws Exception {
        List<float[]> sums = Crew.run(open(values.length), ranks -> {
            FloatRange range = Drawn.range(values[ranks.rank()]);
            ranks.allReduce(range);
            return Drawn.read(range);
        });
        for (float[] sum : sums) {
            assertThat(Arrays.equals(sum, expected))
                    .as("%d ranks, %d floats", values.length, expected.length)
                    .isTrue();
        }
    }

    @Test
    void theSumOfAnElementDoesNotDependOnTheBounds() throws Exception {
        for (int size : SIZES) {
            var random = new Random(size);
            for (int length : new int[] {0, 5, 3000, 200_001}) {
                float[][] values = Drawn.values(random, size, length);
                long[] bounds = Drawn.bounds(random, length, size);
                float[] expected = NaiveRanks.sum(values);
                List<float[]> slices = Crew.run(open(size), ranks -> {
                    FloatRange range = Drawn.range(values[ranks.rank()]);
                    ranks.reduceScatter(range, bounds);
                    float[] all = Drawn.read(range);
                    ranks.allGather(range, bounds);
                    assertThat(Arrays.equals(Drawn.read(range), expected)).isTrue();
                    return all;
                });
                for (int rank = 0; rank < size; rank++) {
                    int from = (int) bounds[rank];
                    int to = (int) bounds[rank + 1];
                    assertThat(Arrays.equals(slices.get(rank), from, to, expected, from, to))
                            .as("rank %d of %d, bounds %s", rank, size, Arrays.toString(bounds))
                            .isTrue();
                }
            }
        }
    }

    @Test
    void everyRankGetsTheSliceOfEveryRank() throws Exception {
        for (int size : SIZES) {
            var random = new Random(size);
            for (int length : new int[] {0, 1, 500, 300_000}) {
                float[][] values = Drawn.values(random, size, length);
                long[] bounds = Drawn.bounds(random, length, size);
                List<float[]> all = Crew.run(open(size), ranks -> {
                    FloatRange range = Drawn.range(values[ranks.rank()]);
                    ranks.allGather(range, bounds);
                    return Drawn.read(range);
                });
                assertThat(all).allMatch(one -> Arrays.equals(one, NaiveRanks.gathered(values, bounds)));
            }
        }
    }

    @Test
    void unequalPartsGoToTheirRanks() throws Exception {
        for (int size : SIZES) {
            for (int most : new int[] {1, 100, 90_000}) {
                var random = new Random(most);
                long[][] counts = new long[size][size];
                for (long[] row : counts) {
                    Arrays.setAll(row, to -> random.nextInt(3) == 0 ? 0 : random.nextInt(most + 1));
                }
                // one float is left over
                float[][] values = new float[size][];
                Arrays.setAll(
                        values,
                        rank -> Drawn.values(
                                random, 1 + (int) Arrays.stream(counts[rank]).sum()));
                float[][] expected = NaiveRanks.exchanged(values, counts);
                List<float[]> received = Crew.run(open(size), ranks -> {
                    int rank = ranks.rank();
                    long[] incoming = new long[size];
                    Arrays.setAll(incoming, from -> counts[from][rank]);
                    FloatRange send = Drawn.range(values[rank]);
                    FloatRange receive = Drawn.range(new float[expected[rank].length]);
                    ranks.allToAll(send, counts[rank], receive, incoming);
                    assertThat(Arrays.equals(Drawn.read(send), values[rank])).isTrue();
                    return Drawn.read(receive);
                });
                assertThat(received.toArray(new float[0][])).isDeepEqualTo(expected);
            }
        }
    }

    @Test
    void theRootsValuesReachAllRanks() throws Exception {
        for (int size : SIZES) {
            for (int length : new int[] {0, 1, 333, 300_000}) {
                float[][] values = Drawn.values(new Random(length), size, length);
                Crew.run(open(size), ranks -> {
                    for (int root = 0; root < size; root++) {
                        FloatRange range = Drawn.range(values[ranks.rank()]);
                        ranks.broadcast(range, root);
                        assertThat(Arrays.equals(Drawn.read(range), values[root]))
                                .isTrue();
                    }
                    return null;
                });
            }
        }
    }

    @Test
    void numbersOfTheHeapAreSummedAndGathered() throws Exception {
        for (int size : SIZES) {
            double[][] values = new double[size][];
            long[][] lists = new long[size][];
            var random = new Random(size);
            for (int rank = 0; rank < size; rank++) {
                values[rank] = random.doubles(3).map(value -> value * 1e9).toArray();
                lists[rank] = random.longs(rank % 3).toArray();
            }
            double[] sum = values[0].clone();
            IntStream.range(1, size).forEach(rank -> Arrays.setAll(sum, i -> sum[i] + values[rank][i]));
            Crew.run(open(size), ranks -> {
                assertThat(ranks.sum(values[ranks.rank()])).containsExactly(sum);
                assertThat(ranks.sum(new double[0])).isEmpty();
                assertThat(ranks.gather(lists[ranks.rank()])).isDeepEqualTo(lists);
                ranks.barrier();
                return null;
            });
        }
    }

    @Test
    void groupsWorkBesideEachOther() throws Exception {
        // six ranks in a table of two rows and three columns; columns count from the last row
        float[][] values = Drawn.values(new Random(6), 6, 1000);
        Crew.run(open(6), ranks -> {
            int rank = ranks.rank();
            int row = rank / 3;
            int column = rank % 3;
            Collectives inRow = ranks.group(new int[] {3 * row, 3 * row + 1, 3 * row + 2});
            Collectives inColumn = ranks.group(new int[] {3 + column, column});
            Collectives again = inRow.group(IntStream.range(0, inRow.size()).toArray());
            assertThat(inRow.rank()).isEqualTo(column);
            assertThat(inColumn.rank()).isEqualTo(1 - row);
            for (int i = 0; i < 5; i++) {
                FloatRange range = Drawn.range(values[rank]);
                (i % 2 == 0 ? inRow : again).allReduce(range);
                float[] rowSum = NaiveRanks.sum(Arrays.copyOfRange(values, 3 * row, 3 * row + 3));
                assertThat(Arrays.equals(Drawn.read(range), rowSum)).isTrue();
                assertThat(inColumn.gather(new long[] {rank})).isDeepEqualTo(new long[][] {{3 + column}, {column}});
                assertThat(ranks.sum(new double[] {rank})).containsExactly(15);
            }
            return null;
        });
    }

    @Test
    void anyOrderOfOperationsGivesTheSameBitsEveryTime() throws Exception {
        for (int size : new int[] {2, 4, 5}) {
            List<Integer> first = program(size);
            assertThat(first).allMatch(first.get(0)::equals);
            assertThat(program(size)).isEqualTo(first);
        }
    }

    /** Sixty operations of any kind, each on the results of the others; gives a hash of each rank's values. */
    private List<Integer> program(int size) throws Exception {
        float[][] values = Drawn.values(new Random(5), size, 9000);
        return Crew.run(open(size), ranks -> {
            var random = new Random(11); // the same on all ranks
            FloatRange range = Drawn.range(values[ranks.rank()]);
            FloatRange other = FloatRange.allocate(range.length());
            for (int i = 0; i < 60; i++) {
                int from = random.nextInt(9000);
                FloatRange part = range.slice(from, random.nextInt(9001 - from));
                long[] bounds = Drawn.bounds(random, (int) part.length(), size);
                switch (random.nextInt(6)) {
                    case 0 -> ranks.allReduce(part);
                    case 1 -> ranks.allGather(part, bounds);
                    case 2 -> ranks.broadcast(part, random.nextInt(size));
                    case 3 -> ranks.barrier();
                    case 4 -> {
                        long[] counts = new long[size];
                        Arrays.fill(counts, part.length() / size);
                        ranks.allToAll(part, counts, other, counts);
                        part.copyFrom(other.slice(0, part.length()));
                    }
                    default -> assertThat(ranks.sum(new double[] {i})).containsExactly(i * (double) size);
                }
            }
            ranks.broadcast(range.slice(0, 4000), 1);
            ranks.allReduce(range);
            return Arrays.hashCode(Drawn.read(range));
        });
    }

    @Test
    void aRankThatFailsEndsAllOthersAtOnce() throws Exception {
        for (String operation :
                List.of("allReduce", "allGather", "allToAll", "broadcast", "sum", "gather", "barrier")) {
            List<Throwable> failures = failures(open(4), ranks -> {
                ranks.barrier();
                ranks.at("step 7");
                if (ranks.rank() == 1) {
                    throw new IllegalStateException("a fault of rank 1");
                }
                call(operation, ranks);
                ranks.barrier();
                return null;
            });
            assertThat(failures.get(1)).hasMessage("a fault of rank 1");
            assertLost(failures, 1, operation.equals("broadcast") ? "b" : named(operation));
        }
    }

    @Test
    void aDeadlineThatPassesNamesTheRankThatIsMissing() throws Exception {
        for (String operation : List.of("allReduce", "allToAll", "sum", "barrier")) {
            var over = new CountDownLatch(3);
            List<Throwable> failures = failures(open(4, SHORT), ranks -> {
                ranks.barrier();
                ranks.at("step 7");
                if (ranks.rank() == 2) {
                    over.await();
                    throw new IllegalStateException("woke too late");
                }
                try {
                    call(operation, ranks);
                } finally {
                    over.countDown();
                }
                return null;
            });
            assertLost(failures, 2, named(operation));
        }
    }

    private static String named(String operation) {
        return operation.equals("allReduce") ? "reduceScatter" : operation;
    }

    private static void call(String operation, Collectives ranks) {
        FloatRange values = FloatRange.allocate(400_000);
        long[] counts = {100_000, 100_000, 100_000, 100_000};
        switch (operation) {
            case "allReduce" -> ranks.allReduce(values);
            case "allGather" -> ranks.allGather(values, Bounds.of(counts));
            case "allToAll" -> ranks.allToAll(values, counts, FloatRange.allocate(400_000), counts);
            case "broadcast" -> ranks.broadcast(values, 0);
            case "sum" -> ranks.sum(new double[3]);
            case "gather" -> ranks.gather(new long[3]);
            default -> ranks.barrier();
        }
    }

    private static List<Throwable> failures(List<? extends Collectives> ranks, Crew.Work<?> work) {
        List<Throwable> failures = new ArrayList<>();
        Crew.outcomes(ranks, work).forEach(outcome -> failures.add(outcome.failure()));
        return failures;
    }

    private static void assertLost(List<Throwable> failures, int rank, String operation) {
        for (int i = 0; i < failures.size(); i++) {
            if (i != rank) {
                assertThat(failures.get(i))
                        .isInstanceOf(LostRankException.class)
                        .hasMessageContaining("ank " + rank)
                        .hasMessageContaining("step 7")
                        .hasMessageContaining(operation);
                assertThat(((LostRankException) failures.get(i)).ranks()).containsExactly(rank);
            }
        }
    }

    @Test
    void operationsThatDoNotFitTogetherAreReported() throws Exception {
        List<Throwable> kinds = failures(open(3), ranks -> {
            if (ranks.rank() == 1) {
                return ranks.gather(new long[1]);
            }
            return ranks.sum(new double[1]);
        });
        assertThat(kinds).allMatch(IllegalStateException.class::isInstance);
        assertThat(kinds.get(0)).hasMessageContaining("gather").hasMessageContaining("sum");
        List<Throwable> counts = failures(open(2), ranks -> {
            long[] two = {2, 2};
            long[] other = ranks.rank() == 0 ? two : new long[] {3, 2};
            ranks.allToAll(FloatRange.allocate(5), two, FloatRange.allocate(5), other);
            ranks.barrier();
            return null;
        });
        assertThat(counts).allMatch(IllegalStateException.class::isInstance);
        assertThat(counts.get(1)).hasMessageContaining("Rank 0 sends 2 floats to rank 1, which expects 3");
    }

    @Test
    void argumentsThatMakeNoSenseAreRefusedBeforeAnythingIsSent() throws Exception {
        Crew.run(open(2), ranks -> {
            FloatRange values = FloatRange.allocate(6);
            long[] even = {3, 3};
            assertRefused(() -> ranks.reduceScatter(values, new long[] {0, 6}));
            assertRefused(() -> ranks.allGather(values, new long[] {0, 4, 5}));
            assertRefused(() -> ranks.broadcast(values, 2));
            assertRefused(() -> ranks.allToAll(values, even, values, even));
            assertRefused(() -> ranks.allToAll(values, new long[] {5, 2}, FloatRange.allocate(6), even));
            assertRefused(() -> ranks.group(new int[] {1 - ranks.rank()}));
            assertRefused(() -> ranks.group(new int[] {0, 1, 1}));
            ranks.barrier();
            return null;
        });
    }

    private static void assertRefused(Runnable call) {
        assertThatThrownBy(call::run).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void nothingWorksAfterClose() throws Exception {
        Crew.run(open(2), ranks -> {
            ranks.barrier();
            ranks.close();
            assertThatThrownBy(ranks::barrier).isInstanceOf(RuntimeException.class);
            ranks.close();
            return null;
        });
    }
}
