package dev.uncurl.jobs.cluster;

import dev.uncurl.error.UserError;
import dev.uncurl.exchange.Candidate;
import dev.uncurl.exchange.DeviceExchanges;
import dev.uncurl.exchange.NcclChoice;
import java.util.List;
import java.util.Optional;

/**
 * How ranks of training on these executors would exchange what is on their GPUs. NCCL is not started.
 *
 * @param executors without errors
 */
record ExchangeProspect(NcclChoice choice, List<ExecutorReport> executors) {

    /** For a line of output; empty if no executor computes on a GPU. */
    String text() {
        List<Candidate> links = links();
        if (links.isEmpty()) {
            return "";
        }
        if (choice == NcclChoice.OFF) {
            return "through the host's memory: nccl = off";
        }
        return obstacle()
                .map(why -> "through the host's memory: " + why)
                .orElse("by NCCL " + links.get(0).version() + ", if each rank has a GPU of its own and NCCL starts");
    }

    /** Why training would not begin. */
    Optional<UserError> refusal() {
        return choice == NcclChoice.REQUIRED ? obstacle().map(DeviceExchanges::cannotBeUsed) : Optional.empty();
    }

    private List<Candidate> links() {
        return executors.stream()
                .map(ExecutorReport::link)
                .filter(link -> link != null)
                .toList();
    }

    private Optional<String> obstacle() {
        for (ExecutorReport executor : executors) {
            if (executor.link() == null) {
                return Optional.of("executor " + executor.executor() + ": it computes on the CPU");
            }
        }
        List<String> names = executors.stream().map(ExecutorReport::executor).toList();
        return Candidate.obstacle("executor", names, links());
    }
}
