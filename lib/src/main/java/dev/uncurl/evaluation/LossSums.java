package dev.uncurl.evaluation;

import dev.uncurl.error.UserError;

/**
 * Sums for a loss per unit: the sum of losses over the sum of sizes, in tokens or bytes. The standard error assumes
 * independent examples (a ratio estimator): sqrt(n / (n - 1) * sum_i (l_i - r s_i)^2) / sum_i s_i, whose sum is
 * sum l^2 - 2 r sum l s + r^2 sum s^2.
 */
final class LossSums {
    private long n;
    private double loss;
    private long size;
    private double lossSquares;
    private double products;
    private double sizeSquares;

    /** @param sizes tokens or bytes of each example */
    static LossSums of(double[] losses, int[] sizes) {
        var sums = new LossSums();
        for (int i = 0; i < losses.length; i++) {
            sums.add(losses[i], sizes[i]);
        }
        return sums;
    }

    /**
     * Adds an example. Sums are rounded: the same examples in the same order give the same bits.
     *
     * @param exampleLoss nats
     * @param exampleSize tokens or bytes
     */
    void add(double exampleLoss, long exampleSize) {
        n++;
        loss += exampleLoss;
        size += exampleSize;
        lossSquares += exampleLoss * exampleLoss;
        products += exampleLoss * exampleSize;
        sizeSquares += (double) exampleSize * exampleSize;
    }

    /**
     * Mean loss per token, nats.
     *
     * @throws UserError (input) if there is no token, or a loss is not finite
     */
    Metric perToken(String name) {
        if (size == 0) {
            throw UserError.input(
                    "No token was predicted, so there is no " + name,
                    "Evaluate on sequences or examples of two tokens or more.");
        }
        return metric(name, 1);
    }

    /**
     * bits_per_byte: the loss over ln 2 and the number of UTF-8 bytes of the predicted text.
     *
     * @throws UserError (input) if there is no byte, or a loss is not finite
     */
    Metric bitsPerByte() {
        if (size == 0) {
            throw UserError.input(
                    "The predicted text has no bytes, so there is no bits_per_byte",
                    "Evaluate on sequences or examples of two tokens or more.");
        }
        return metric("bits_per_byte", Math.log(2));
    }

    private Metric metric(String name, double unit) {
        double ratio = loss / size;
        double squares = Math.max(0, lossSquares - 2 * ratio * products + ratio * ratio * sizeSquares);
        double error = n > 1 ? Math.sqrt(squares * n / (n - 1)) / size : 0;
        return new Metric(name, ratio / unit, size, error / unit, null, null);
    }
}
