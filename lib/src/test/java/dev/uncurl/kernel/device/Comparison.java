package dev.uncurl.kernel.device;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A GPU's answers against recorded ones, summed up by kind of operation. */
final class Comparison {
    /** The norm of the difference as a part of the norm of the answer, in 32-bit floats. */
    private static final double EXACT = 1e-5;
    /** After twenty steps of AdamW, in which signs of tiny gradients matter. */
    private static final double TRAINED = 1e-3;
    /** Products of operands with 11 significant bits, and what follows from them. */
    private static final double ROUNDED = 1e-2;
    /** The same with 8 significant bits; a small product whose terms cancel each other loses more of its norm. */
    private static final double SHORT = 2e-2;

    private static final class Row {
        int checked;
        int bad;
        double norm;
        double worst;
        int otherBits;
    }

    private final CudaDevice.Precision precision;
    private final Map<String, Row> rows = new LinkedHashMap<>();
    private final List<String> failures = new ArrayList<>();

    Comparison(CudaDevice.Precision precision) {
        this.precision = precision;
    }

    private static String kind(String name) {
        if (name.startsWith("model ")) {
            return name;
        }
        return name.replaceFirst(" (\\d|\\[).*", "");
    }

    private double tolerance(String name) {
        boolean trained = name.endsWith(": parameters");
        boolean wide = trained || name.endsWith("gradient");
        return switch (precision) {
            case FP32 -> trained ? TRAINED : EXACT;
            case TF32 -> wide ? 10 * ROUNDED : ROUNDED;
            case BF16 -> wide ? 10 * SHORT : name.matches("product \\d.*") ? 3 * SHORT : SHORT;
        };
    }

    void add(String name, double[] actual, double[] again, double[] expected) {
        double difference = 0;
        double size = 0;
        double worst = 0;
        double largest = Arrays.stream(expected).map(Math::abs).max().orElse(0);
        for (int i = 0; i < expected.length; i++) {
            double off = actual[i] - expected[i];
            difference += off * off;
            size += expected[i] * expected[i];
            worst = Math.max(worst, Math.abs(off) / Math.max(1, largest));
        }
        double norm = size == 0 ? Math.sqrt(difference) : Math.sqrt(difference / size);
        Row row = rows.computeIfAbsent(kind(name), key -> new Row());
        row.checked++;
        row.norm = Math.max(row.norm, norm);
        row.worst = Math.max(row.worst, worst);
        row.otherBits += Arrays.equals(actual, again) ? 0 : 1;
        boolean good = actual.length == expected.length && norm <= tolerance(name);
        if (!good) {
            row.bad++;
            failures.add(String.format("%s: off by %.2e of its norm", name, norm));
        }
    }

    void failed(String name, RuntimeException cause) {
        rows.computeIfAbsent(kind(name), key -> new Row()).bad++;
        failures.add(name + ": " + cause);
    }

    /** @return whether all answers agree */
    boolean print(CheckTable table) throws IOException {
        System.out.printf(
                "%-48s %7s %5s %14s %14s %11s%n",
                precision, "checked", "bad", "norm off by", "worst element", "other bits");
        rows.forEach((kind, row) -> System.out.printf(
                "%-48s %7d %5d %14.2e %14.2e %11d%n", kind, row.checked, row.bad, row.norm, row.worst, row.otherBits));
        failures.stream().limit(20).forEach(failure -> System.out.println("FAIL " + failure));
        System.out.println((failures.isEmpty() ? "ALL AGREE " : failures.size() + " DISAGREE ") + precision);
        for (var entry : rows.entrySet()) {
            Row row = entry.getValue();
            String note = row.bad > 0
                    ? "FAILED: " + row.bad + " of " + row.checked
                    : row.otherBits > 0 ? "other bits when repeated: " + row.otherBits : "ok, " + row.checked;
            table.add("" + precision, entry.getKey() + ": off by", row.norm, "of the norm", note);
        }
        return failures.isEmpty();
    }
}
