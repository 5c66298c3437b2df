package dev.uncurl.exchange;

import dev.uncurl.error.UserError;
import dev.uncurl.kernel.device.DeviceLinks;
import dev.uncurl.processor.Processor;
import java.io.Serializable;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/**
 * What a rank brings for an exchange between devices, or an executor on which ranks will be.
 *
 * @param device its GPU
 * @param version of its NCCL; empty without it
 * @param missing why it cannot take part; empty if it can
 */
public record Candidate(UUID device, String version, String missing) implements Serializable {
    private static final UUID NONE = new UUID(0, 0);

    public static Candidate of(Processor processor) {
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

    /**
     * Why ranks cannot exchange values between their devices.
     *
     * @param what they are, such as {@code rank}
     * @param names of all of them
     * @param all in the same order
     */
    public static Optional<String> obstacle(String what, List<String> names, List<Candidate> all) {
        Map<UUID, String> owners = new HashMap<>();
        Candidate first = all.get(0);
        for (int i = 0; i < all.size(); i++) {
            Candidate one = all.get(i);
            String name = names.get(i);
            if (!one.missing.isEmpty()) {
                return Optional.of(what + " " + name + ": " + one.missing);
            }
            if (!one.version.equals(first.version)) {
                return Optional.of(what + " " + names.get(0) + " has NCCL " + first.version + ", " + what + " " + name
                        + " has NCCL " + one.version);
            }
            String other = owners.putIfAbsent(one.device, name);
            if (other != null) {
                return Optional.of(what + "s " + other + " and " + name + " share GPU " + one.device);
            }
        }
        return Optional.empty();
    }
}
