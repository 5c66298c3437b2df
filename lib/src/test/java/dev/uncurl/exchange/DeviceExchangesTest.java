package dev.uncurl.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.collective.Collectives;
import dev.uncurl.collective.Loopback;
import dev.uncurl.collective.LostRankException;
import dev.uncurl.error.DeviceFailedException;
import dev.uncurl.error.UserError;
import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.device.EmulatedGpu;
import dev.uncurl.processor.Processor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.function.IntFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;

/** What ranks agree on, and how an exchange fails. */
@Tag("slow")
class DeviceExchangesTest {
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final Duration SHORT = Duration.ofMillis(700);
    private static final IntFunction<Processor> OWN_GPU =
            rank -> EmulatedGpu.open(rank).processor();

    @BeforeEach
    void begin() {
        EmulatedGpu.reset();
        EmulatedGpu.machine(3);
    }

    @AfterEach
    void nothingIsLeft() {
        assertThat(EmulatedGpu.communicators()).isZero();
        assertThat(EmulatedGpu.blocks()).isZero();
    }

    private interface Work {
        Object of(DeviceExchanges exchanges, Processor processor, Collectives ranks) throws Exception;
    }

    /** What each rank returns or throws. */
    private static List<Object> onRanks(
            int size, NcclChoice choice, Duration deadline, IntFunction<Processor> processors, Work work)
            throws Exception {
        var threads = Executors.newFixedThreadPool(size);
        try {
            List<Callable<Object>> calls = Loopback.ranks(size, deadline).stream()
                    .<Callable<Object>>map(rank -> () -> {
                        try (rank;
                                Processor processor = processors.apply(rank.rank());
                                var exchanges = DeviceExchanges.agree(choice, processor, rank, deadline)) {
                            return work.of(exchanges, processor, rank);
                        }
                    })
                    .toList();
            var results = new ArrayList<>();
            for (var one : threads.invokeAll(calls)) {
                try {
                    results.add(one.get());
                } catch (ExecutionException e) {
                    results.add(e.getCause());
                }
            }
            return results;
        } finally {
            threads.shutdown();
        }
    }

    private static List<Object> reasons(NcclChoice choice, Duration deadline, IntFunction<Processor> processors)
            throws Exception {
        return onRanks(3, choice, deadline, processors, (exchanges, processor, ranks) -> {
            ranks.barrier();
            return exchanges.description();
        });
    }

    @Test
    void ranksWithGpusOfTheirOwnExchangeDirectly() throws Exception {
        assertThat(reasons(NcclChoice.AUTO, LONG, OWN_GPU)).containsOnly("by NCCL 2.27.3");
        assertThat(reasons(NcclChoice.OFF, LONG, OWN_GPU)).containsOnly("through the host's memory: nccl = off");
    }

    @Test
    void ranksThatShareAGpuExchangeThroughTheHost() throws Exception {
        IntFunction<Processor> shared = rank -> EmulatedGpu.open(rank / 2).processor();
        assertThat(reasons(NcclChoice.AUTO, LONG, shared))
                .containsOnly(
                        "through the host's memory: ranks 0 and 1 share GPU 00010203-0405-0607-0809-0a0b0c0d0e0f");
        assertThat(reasons(NcclChoice.REQUIRED, LONG, shared)).allSatisfy(one -> assertThat((Throwable) one)
                .isInstanceOf(UserError.class)
                .hasMessageContainingAll("nccl = required", "ranks 0 and 1 share GPU", "spark.uncurl.nccl"));
    }

    @Test
    void aRankOnTheCpuMakesAllExchangeThroughTheHost() throws Exception {
        assertThat(reasons(NcclChoice.AUTO, LONG, rank -> rank == 1 ? Processor.cpu("test") : OWN_GPU.apply(rank)))
                .containsOnly("through the host's memory: rank 1: it computes on the CPU");
    }

    @Test
    void anOldVersionIsNotUsed() throws Exception {
        EmulatedGpu.nccl(21304, false);
        assertThat(reasons(NcclChoice.AUTO, LONG, OWN_GPU)).allSatisfy(one -> assertThat((String) one)
                .contains(
                        "through the host's memory: rank 0:",
                        "libnccl.so.2",
                        "it is version 2.13.4",
                        "Install NCCL 2.14.0"));
    }

    /** Also on one rank alone: the others would wait for it. */
    @ParameterizedTest
    @ValueSource(strings = {"ncclCommInitRankConfig", "ncclGetUniqueId", "ncclCommGetAsyncError"})
    void ifNcclDoesNotStartAllExchangeThroughTheHost(String function) throws Exception {
        EmulatedGpu.fail(function, 3);
        List<Object> reasons = reasons(NcclChoice.AUTO, Duration.ofSeconds(1), OWN_GPU);
        assertThat(reasons).allSatisfy(one -> assertThat((String) one).contains("through the host's memory: ", "NCCL"));
        assertThat(reasons).containsOnly(reasons.get(0));
    }

    /** Adds up the ranks' numbers, twice, with something that goes wrong in between. */
    private static List<Object> failures(Duration deadline, IntFunction<Runnable> wrong) throws Exception {
        return onRanks(2, NcclChoice.REQUIRED, deadline, OWN_GPU, (exchanges, processor, ranks) -> {
            ranks.at("step 7");
            try (Kernels kernels = processor.kernels(DataType.FLOAT, 1);
                    FlatMemory memory = kernels.allocate(DataType.FLOAT, 10)) {
                for (int i = 0; i < 2; i++) {
                    DeviceExchange exchange = exchanges.of(ranks);
                    exchange.reduceScatter(memory, 0, new long[] {0, 4, 10});
                    exchange.finish();
                    ranks.barrier();
                    if (i == 0) {
                        wrong.apply(ranks.rank()).run();
                        ranks.barrier();
                    }
                }
            }
            return "nothing went wrong";
        });
    }

    @Test
    void anExchangeThatHangsEndsAtTheDeadline() throws Exception {
        List<Object> failures = failures(SHORT, rank -> () -> EmulatedGpu.nccl(22703, true));
        // the first rank that gives up ends the exchange, which the other one may see first
        assertThat(failures).allSatisfy(one -> assertThat((Throwable) one)
                .isInstanceOf(DeviceFailedException.class)
                .hasMessageContainingAll(
                        "(reduceScatter)", "all ranks are there", "NCCL_DEBUG=INFO", "spark.uncurl.nccl"));
        assertThat(failures).anySatisfy(one -> assertThat((Throwable) one)
                .hasMessageContaining("(stand-in): NCCL did not finish a sum over ranks within 0.7 s"));
    }

    /** An error of the GPU itself, found by NCCL or by the wait for the exchange. */
    @ParameterizedTest
    @ValueSource(strings = {"ncclGroupEnd", "cuEventQuery"})
    void anErrorOfTheGpuEndsItsRankAndTheOthersNameIt(String function) throws Exception {
        List<Object> failures = failures(LONG, rank -> () -> {
            if (rank == 0) {
                EmulatedGpu.fail(function, function.startsWith("nccl") ? 1 : 214);
            }
        });
        Throwable failed = (Throwable) failures.stream()
                .filter(DeviceFailedException.class::isInstance)
                .findFirst()
                .orElseThrow();
        assertThat(failed).hasMessageContainingAll("(stand-in) failed", "dmesg");
        int rank = failures.indexOf(failed);
        assertThat((Throwable) failures.get(1 - rank))
                .isInstanceOf(LostRankException.class)
                .hasMessageContainingAll("ank " + rank, "step 7");
        EmulatedGpu.reset(); // the memory of a GPU that has failed ends with its process
    }

    @Test
    void anErrorOfNcclItselfHasTheRemedy() throws Exception {
        List<Object> failures = failures(LONG, rank -> () -> {
            if (rank == 0) {
                EmulatedGpu.fail("ncclCommGetAsyncError", 3);
            }
        });
        assertThat(failures).anySatisfy(one -> assertThat((Throwable) one)
                .isInstanceOf(DeviceFailedException.class)
                .hasMessageContainingAll("NCCL failed in", "(result 3)", "NCCL_DEBUG=INFO", "spark.uncurl.nccl off"));
        assertThat(failures).anySatisfy(one -> assertThat(one).isInstanceOf(LostRankException.class));
    }

    /** A rank may be in a call of CUDA that waits for the whole GPU. */
    @Test
    void anExchangeThatNobodyFinishesIsGivenUp() throws Exception {
        List<Object> failures = onRanks(2, NcclChoice.REQUIRED, SHORT, OWN_GPU, (exchanges, processor, ranks) -> {
            ranks.at("step 7");
            try (Kernels kernels = processor.kernels(DataType.FLOAT, 1);
                    FlatMemory memory = kernels.allocate(DataType.FLOAT, 10)) {
                exchanges.of(ranks).reduceScatter(memory, 0, new long[] {0, 4, 10});
                while (EmulatedGpu.communicators() > 0) {
                    Thread.sleep(10);
                }
                exchanges.of(ranks).finish();
            }
            return "nothing went wrong";
        });
        assertThat(failures).allSatisfy(one -> assertThat((Throwable) one)
                .isInstanceOf(DeviceFailedException.class)
                .hasMessageContainingAll("did not get on for 1.4 s", "spark.uncurl.nccl"));
    }

    /** After a rest, as for validation, the same ranks begin again. */
    @Test
    void closedExchangesStartAgain() throws Exception {
        List<Object> sums = onRanks(3, NcclChoice.AUTO, LONG, OWN_GPU, (exchanges, processor, ranks) -> {
            try (Kernels kernels = processor.kernels(DataType.FLOAT, 1);
                    FlatMemory memory = kernels.allocate(DataType.FLOAT, 3)) {
                memory.write(0, new float[] {1, 2, 4}, 3);
                for (int i = 0; i < 2; i++) {
                    exchanges.of(ranks).reduceScatter(memory, 0, new long[] {0, 1, 2, 3});
                    exchanges.of(ranks).allGather(memory, 0, new long[] {0, 1, 2, 3});
                    exchanges.of(ranks).finish();
                    ranks.barrier();
                    exchanges.close();
                }
                var values = new float[3];
                memory.read(0, values, 3);
                return List.of(values[0], values[1], values[2], exchanges.bytes());
            }
        });
        assertThat(sums).containsOnly(List.of(9f, 18f, 36f, 2L * 2 * (2 + 2) * 2));
    }
}
