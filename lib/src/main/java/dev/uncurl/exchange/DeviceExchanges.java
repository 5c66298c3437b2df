package dev.uncurl.exchange;

import dev.uncurl.collective.Collectives;
import dev.uncurl.error.DeviceFailedException;
import dev.uncurl.error.UserError;
import dev.uncurl.kernel.device.DeviceLinks;
import dev.uncurl.kernel.device.ExchangeStoppedException;
import dev.uncurl.kernel.device.NcclRanks;
import dev.uncurl.processor.DeviceProcessor;
import dev.uncurl.processor.Processor;
import java.time.Duration;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How a rank exchanges what is in its device's memory: by a {@link DeviceExchange} for each group of ranks, or through the host's memory. For
 * the thread that uses the device. Never run on a GPU.
 */
public final class DeviceExchanges implements AutoCloseable {
    static final String REMEDY =
            "Set NCCL_DEBUG=INFO on the executors to see why, or spark.uncurl.nccl to off: then ranks exchange through the host's memory.";

    private static final Logger LOG = LoggerFactory.getLogger(DeviceExchanges.class);

    /** An exchange, and what it must be closed with. */
    private record Open(DeviceExchange exchange, NcclRanks nccl) {}

    /** Null: through the host's memory. */
    private final DeviceLinks links;

    private final String reason;
    private final Duration deadline;
    private final Map<Collectives, Open> open = new IdentityHashMap<>();
    private long bytesOfClosed;

    private DeviceExchanges(DeviceLinks links, String reason, Duration deadline) {
        this.links = links;
        this.reason = reason;
        this.deadline = deadline;
    }

    /** Through the host's memory. @param reason for reports */
    public static DeviceExchanges throughHost(String reason) {
        return new DeviceExchanges(null, reason, Duration.ZERO);
    }

    /**
     * Chooses for all ranks alike, and starts NCCL if it is to be used. All ranks call it.
     *
     * @param processor closed by the caller, after this
     * @param deadline how long a rank waits for others in one operation
     * @throws UserError (usage) on every rank, if NCCL is required and cannot be used
     */
    public static DeviceExchanges agree(NcclChoice choice, Processor processor, Collectives ranks, Duration deadline) {
        if (choice == NcclChoice.OFF || ranks.size() == 1) {
            return throughHost(ranks.size() == 1 ? "there is one rank" : "nccl = off");
        }
        Candidate own = Candidate.of(processor);
        List<Candidate> all =
                Arrays.stream(ranks.gather(own.numbers())).map(Candidate::of).toList();
        List<String> numbers =
                IntStream.range(0, ranks.size()).mapToObj(String::valueOf).toList();
        Optional<String> obstacle = Candidate.obstacle("rank", numbers, all);
        if (obstacle.isEmpty()) {
            var exchanges = new DeviceExchanges(links(processor), "NCCL " + own.version(), deadline);
            obstacle = exchanges.start(ranks);
            if (obstacle.isEmpty()) {
                LOG.info("Ranks exchange what is on GPUs by {}", exchanges.reason);
                return exchanges;
            }
            exchanges.close();
        }
        if (choice == NcclChoice.REQUIRED) {
            throw cannotBeUsed(obstacle.get());
        }
        if (!processor.isHost() && ranks.rank() == 0) {
            LOG.warn("Ranks exchange what is on GPUs through the host's memory: {}", obstacle.get());
        }
        return throughHost(obstacle.get());
    }

    /** That NCCL is required. */
    public static UserError cannotBeUsed(String obstacle) {
        return UserError.usage("nccl = required, but it cannot be used: " + obstacle, REMEDY);
    }

    static DeviceLinks links(Processor processor) {
        return processor instanceof DeviceProcessor device ? device.device().links() : null;
    }

    /** Starts the exchange of these ranks. Returns why not, the same on all ranks. */
    private Optional<String> start(Collectives ranks) {
        String failure = "";
        try {
            of(ranks);
        } catch (DeviceFailedException | ExchangeStoppedException e) {
            failure = e.getMessage();
        }
        return Arrays.stream(ranks.gather(GatheredText.numbers(failure)))
                .map(GatheredText::of)
                .filter(text -> !text.isEmpty())
                .findFirst();
    }

    /** Whether values go from device to device; else {@link #of} must not be called. */
    public boolean direct() {
        return links != null;
    }

    /** For reports: by NCCL, with its version, or through the host's memory, and why. */
    public String description() {
        return direct() ? "by " + reason : "through the host's memory: " + reason;
    }

    /** The exchange of a group, which is started at the first call: all of its ranks call it then. */
    public DeviceExchange of(Collectives group) {
        if (links == null) {
            throw new IllegalStateException("These ranks exchange through the host's memory: " + reason);
        }
        return open.computeIfAbsent(group, this::join).exchange;
    }

    private Open join(Collectives group) {
        byte[] own = group.rank() == 0 ? newId() : new byte[0];
        byte[] id = GatheredText.bytes(group.gather(GatheredText.numbers(own))[0]);
        if (id.length == 0) {
            throw new DeviceFailedException("NCCL does not start on the first rank. " + REMEDY);
        }
        NcclRanks nccl = links.join(id, group.rank(), group.size(), deadline);
        return new Open(new DeviceExchange(group, nccl), nccl);
    }

    /** Nothing if there is none, as the other ranks wait for it. */
    private byte[] newId() {
        try {
            return links.newId();
        } catch (DeviceFailedException e) {
            LOG.warn("{}", e.getMessage());
            return new byte[0];
        }
    }

    /** Bytes that this rank has sent to others from device to device. */
    public long bytes() {
        return bytesOfClosed
                + open.values().stream().mapToLong(one -> one.nccl.bytes()).sum();
    }

    /** Bytes of the device's memory that exchanges have taken, without what NCCL takes itself. */
    public long heldBytes() {
        return open.values().stream().mapToLong(one -> one.nccl.heldBytes()).sum();
    }

    /**
     * Ends all exchanges of this rank at once; each group's starts again at the next {@link #of}. The other ranks must have finished theirs, as
     * after an operation on the host that all took part in; or their operations fail.
     */
    @Override
    public void close() {
        bytesOfClosed = bytes();
        open.values().forEach(one -> one.nccl.close());
        open.clear();
    }
}
