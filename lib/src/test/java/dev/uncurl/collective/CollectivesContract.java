package dev.uncurl.collective;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What every implementation of {@link Collectives} does. A subclass is the test of one of them. */
public abstract class CollectivesContract extends LostRanksContract {
    private static final int[] SIZES = {1, 2, 3, 4, 5, 8};

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
            assertReduced(size, 0, 1, size - 1, size, 7, 1001, 70_000);
        }
    }

    @Test
    @Tag("slow")
    void rangesLongerThanAWindowAreSummed() throws Exception {
        assertReduced(2, 3 * FloatRange.WINDOW + 5);
        assertReduced(3, 3 * FloatRange.WINDOW + 5);
    }

    private void assertReduced(int size, int... lengths) throws Exception {
        Crew.run(open(size), ranks -> {
            for (int length : lengths) {
                float[][] values = Drawn.values(new Random(length), size, length);
                FloatRange range = Drawn.range(values[ranks.rank()]);
                ranks.allReduce(range);
                assertThat(Arrays.equals(Drawn.read(range), NaiveRanks.sum(values)))
                        .as("rank %d of %d, %d floats", ranks.rank(), size, length)
                        .isTrue();
            }
            return null;
        });
    }

    /** In each operation a value is counted once for each rank that it goes to. */
    @Test
    void theBytesOfAllRanksTogetherAreCounted() throws Exception {
        for (int size : SIZES) {
            long length = 20_000 * size + 1;
            List<long[]> bytes = Crew.run(open(size), ranks -> {
                FloatRange values = FloatRange.allocate(length);
                FloatRange received = FloatRange.allocate(length);
                long[] parts = new long[size];
                Arrays.fill(parts, 20_000);
                List<Runnable> operations = List.of(
                        () -> ranks.allReduce(values),
                        () -> ranks.allToAll(values, parts, received, parts),
                        () -> ranks.broadcast(values, size - 1),
                        () -> ranks.sum(new double[3]),
                        () -> ranks.gather(new long[ranks.rank()]),
                        ranks::barrier);
                return operations.stream()
                        .mapToLong(operation -> {
                            long before = ranks.cost().bytes();
                            operation.run();
                            assertThat(ranks.cost().waitNanos()).isNotNegative();
                            return ranks.cost().bytes() - before;
                        })
                        .toArray();
            });
            long[] sums = new long[6];
            bytes.forEach(rank -> Arrays.setAll(sums, i -> sums[i] + rank[i]));
            long others = size - 1L;
            assertThat(sums)
                    .as("%d ranks", size)
                    .containsExactly(
                            4 * 2 * others * length,
                            4 * size * others * 20_000,
                            4 * others * length,
                            8 * size * others * 3,
                            8 * others * (size * others / 2),
                            0);
        }
    }

    @Test
    void theSumOfAnElementDoesNotDependOnTheBounds() throws Exception {
        for (int size : SIZES) {
            Crew.run(open(size), ranks -> {
                var random = new Random(size); // the same on all ranks
                for (int length : new int[] {0, 5, 3000, 200_001}) {
                    float[][] values = Drawn.values(random, size, length);
                    long[] bounds = Drawn.bounds(random, length, size);
                    float[] expected = NaiveRanks.sum(values);
                    FloatRange range = Drawn.range(values[ranks.rank()]);
                    ranks.reduceScatter(range, bounds);
                    int from = (int) bounds[ranks.rank()];
                    int to = (int) bounds[ranks.rank() + 1];
                    assertThat(Arrays.equals(Drawn.read(range), from, to, expected, from, to))
                            .as("rank %d of %d, bounds %s", ranks.rank(), size, Arrays.toString(bounds))
                            .isTrue();
                    ranks.allGather(range, bounds);
                    assertThat(Arrays.equals(Drawn.read(range), expected)).isTrue();
                }
                return null;
            });
        }
    }

    @Test
    void everyRankGetsTheSliceOfEveryRank() throws Exception {
        for (int size : SIZES) {
            Crew.run(open(size), ranks -> {
                var random = new Random(size);
                for (int length : new int[] {0, 1, 500, 300_000}) {
                    float[][] values = Drawn.values(random, size, length);
                    long[] bounds = Drawn.bounds(random, length, size);
                    FloatRange range = Drawn.range(values[ranks.rank()]);
                    ranks.allGather(range, bounds);
                    assertThat(Arrays.equals(Drawn.read(range), NaiveRanks.gathered(values, bounds)))
                            .as("rank %d of %d, bounds %s", ranks.rank(), size, Arrays.toString(bounds))
                            .isTrue();
                }
                return null;
            });
        }
    }

    @Test
    void unequalPartsGoToTheirRanks() throws Exception {
        for (int size : SIZES) {
            Crew.run(open(size), ranks -> {
                for (int most : new int[] {1, 100, 90_000}) {
                    assertExchanged(ranks, new Random(most), most);
                }
                return null;
            });
        }
    }

    /** @param random gives the same numbers on all ranks */
    private static void assertExchanged(Collectives ranks, Random random, int most) {
        int rank = ranks.rank();
        long[][] counts = new long[ranks.size()][ranks.size()];
        for (long[] row : counts) {
            Arrays.setAll(row, to -> random.nextInt(3) == 0 ? 0 : random.nextInt(most + 1));
        }
        float[][] values = new float[ranks.size()][];
        for (int from = 0; from < values.length; from++) {
            // one float is left over
            values[from] =
                    Drawn.values(random, 1 + (int) Arrays.stream(counts[from]).sum());
        }
        float[] expected = NaiveRanks.exchanged(values, counts)[rank];
        long[] incoming = new long[ranks.size()];
        Arrays.setAll(incoming, from -> counts[from][rank]);
        FloatRange send = Drawn.range(values[rank]);
        FloatRange receive = Drawn.range(new float[expected.length]);
        ranks.allToAll(send, counts[rank], receive, incoming);
        assertThat(Arrays.equals(Drawn.read(send), values[rank])).isTrue();
        assertThat(Arrays.equals(Drawn.read(receive), expected))
                .as("rank %d of %d, at most %d floats", rank, ranks.size(), most)
                .isTrue();
    }

    @Test
    void theRootsValuesReachAllRanks() throws Exception {
        for (int size : SIZES) {
            Crew.run(open(size), ranks -> {
                for (int length : new int[] {0, 1, 333, 300_000}) {
                    float[][] values = Drawn.values(new Random(length), size, length);
                    for (int root = 0; root < size; root++) {
                        FloatRange range = Drawn.range(values[ranks.rank()]);
                        ranks.broadcast(range, root);
                        assertThat(Arrays.equals(Drawn.read(range), values[root]))
                                .isTrue();
                    }
                }
                return null;
            });
        }
    }

    @Test
    void numbersOfTheHeapAreSummedAndGathered() throws Exception {
        for (int size = 1; size <= 9; size++) {
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
    void aThreadOfItsOwnSumsWhileTheRanksGoOn() throws Exception {
        float[][] values = Drawn.values(new Random(9), 3, 50_000);
        float[] expected = NaiveRanks.sum(values);
        Crew.run(open(3), ranks -> {
            Collectives beside = ranks.group(new int[] {0, 1, 2});
            FloatRange range = Drawn.range(values[ranks.rank()]);
            // ranks begin in any order, each of the two kinds of operations in its own
            ExecutorService thread = Executors.newSingleThreadExecutor();
            Future<?> exchange = thread.submit(() -> {
                for (int bucket = 0; bucket < 10; bucket++) {
                    beside.allReduce(range.slice(bucket * 5000, 5000));
                }
            });
            for (int i = 0; i < 50; i++) {
                assertThat(ranks.sum(new double[] {i})).containsExactly(3 * i);
            }
            exchange.get();
            thread.shutdown();
            assertThat(Arrays.equals(Drawn.read(range), expected)).isTrue();
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
}
