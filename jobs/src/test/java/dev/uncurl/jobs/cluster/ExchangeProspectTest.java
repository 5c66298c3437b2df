package dev.uncurl.jobs.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.error.UserError;
import dev.uncurl.exchange.Candidate;
import dev.uncurl.exchange.NcclChoice;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** What verify cluster says about exchanges between GPUs. */
class ExchangeProspectTest {
    private static final Candidate NONE = new Candidate(new UUID(0, 0), "", "libnccl.so.2 is not in /x");

    private static ExecutorReport executor(String id, Candidate link) {
        return new ExecutorReport(id, "host", null, "", 0, TaskProcessor.Description.UNKNOWN, link, null);
    }

    private static ExecutorReport executor(String id, int gpu, String version) {
        return executor(id, new Candidate(new UUID(0, gpu), version, ""));
    }

    private static ExchangeProspect prospect(NcclChoice choice, ExecutorReport... executors) {
        return new ExchangeProspect(choice, List.of(executors));
    }

    private static void throughTheHost(String why, ExecutorReport... executors) {
        assertThat(prospect(NcclChoice.AUTO, executors).text()).isEqualTo("through the host's memory: " + why);
        assertThat(prospect(NcclChoice.AUTO, executors).refusal()).isEmpty();
        assertThat(prospect(NcclChoice.REQUIRED, executors).refusal()).hasValueSatisfying(error -> {
            assertThat(error)
                    .hasMessageContainingAll("nccl = required, but it cannot be used: " + why, "spark.uncurl.nccl");
            assertThat(error.kind()).isEqualTo(UserError.Kind.USAGE);
        });
    }

    @Test
    void executorsWithNcclAndGpusOfTheirOwnExchangeDirectly() {
        var all = prospect(NcclChoice.REQUIRED, executor("0", 1, "2.27.3"), executor("1", 2, "2.27.3"));
        assertThat(all.text()).isEqualTo("by NCCL 2.27.3, if each rank has a GPU of its own and NCCL starts");
        assertThat(all.refusal()).isEmpty();
        assertThat(new ExchangeProspect(NcclChoice.OFF, all.executors()).text())
                .isEqualTo("through the host's memory: nccl = off");
    }

    @Test
    void whyOthersGoThroughTheHostIsSaidWithTheirNames() {
        var fine = executor("0", 1, "2.27.3");
        throughTheHost("executor 0 has NCCL 2.27.3, executor 1 has NCCL 2.20.1", fine, executor("1", 2, "2.20.1"));
        throughTheHost(
                "executors 0 and 10 share GPU 00000000-0000-0000-0000-000000000001", fine, executor("10", 1, "2.27.3"));
        throughTheHost("executor 1: it computes on the CPU", fine, executor("1", null));
        throughTheHost("executor 1: libnccl.so.2 is not in /x", fine, executor("1", NONE));
    }

    @Test
    void withoutGpusThereIsNothingToSay() {
        var all = prospect(NcclChoice.AUTO, executor("0", null), executor("1", null));
        assertThat(all.text()).isEmpty();
    }
}
