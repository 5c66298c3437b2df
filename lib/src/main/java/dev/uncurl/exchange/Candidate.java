package dev.uncurl.exchange;

import dev.uncurl.error.UserError;
import dev.uncurl.kernel.device.DeviceLinks;
import dev.uncurl.processor.Processor;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/**
 * What a rank brings for an exchange between devices.
 *
 * @param device its GPU
 * @param version of its NCCL; empty without it
 * @param missing why it cannot take part; empty if it can
 */
record Candidate(UUID device, String version, String missing) {
    private static final UUID NONE = new UUID(0, 0);

    static Candidate of(Processor processor) {
        DeviceLinks links = DeviceExchanges.links(processor);
        if (links == null) {
            return new Candidate(NONE, "", "it computes on the " + processor.name());
        }
        try {
            return new Candidate(links.identity(), links.version(), "");
        } catch (UserError e) {
            return new Candidate(NONE, "", e.getMessage());
        }
    }

    /** As {@link #numbers} of another rank. */
    static Candidate of(long[] numbers) {
        String[] texts =
                GatheredText.of(Arrays.copyOfRange(numbers, 2, numbers.length)).split("\n", 2);
        return new Candidate(new UUID(numbers[0], numbers[1]), texts[0], texts[1]);
    }

    /** What ranks gather. */
    long[] numbers() {
        long[] texts = GatheredText.numbers(version + "\n" + missing);
        long[] all = new long[2 + texts.length];
        all[0] = device.getMostSignificantBits();
        all[1] = device.getLeastSignificantBits();
        System.arraycopy(texts, 0, all, 2, texts.length);
        return all;
    }

    /** Why ranks cannot exchange values between their devices, given all of them by rank. */
    static Optional<String> obstacle(Candidate[] ranks) {
        Map<UUID, Integer> owners = new HashMap<>();
        for (int rank = 0; rank < ranks.length; rank++) {
            Candidate one = ranks[rank];
            if (!one.missing.isEmpty()) {
                return Optional.of("rank " + rank + ": " + one.missing);
            }
            if (!one.version.equals(ranks[0].version)) {
                return Optional.of(
                        "rank 0 has NCCL " + ranks[0].version + ", rank " + rank + " has NCCL " + one.version);
            }
            Integer other = owners.putIfAbsent(one.device, rank);
            if (other != null) {
                return Optional.of("ranks " + other + " and " + rank + " share GPU " + one.device);
            }
        }
        return Optional.empty();
    }
}
