package dev.uncurl.peer;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;

/**
 * B sequences side by side, padded at the right.
 *
 * @param tokens [B, T]; padding, which nothing looks at, is token 0
 * @param targets [N]; -1 where nothing is predicted
 * @param real [R] indices of the positions that are not padding; null when all are real
 */
record Batch(Tensor tokens, Tensor targets, Tensor real, int rows, int columns) {
    static Batch of(int[] tokens, int[] targets, int rows, int columns) {
        long[] ids =
                Arrays.stream(tokens).mapToLong(token -> Math.max(token, 0)).toArray();
        long[] real = IntStream.range(0, tokens.length)
                .filter(i -> tokens[i] >= 0)
                .mapToLong(i -> i)
                .toArray();
        return new Batch(
                Tensor.create(ids, rows, columns),
                Tensor.create(Arrays.stream(targets).asLongStream().toArray(), targets.length),
                real.length == ids.length ? null : Tensor.create(real, real.length),
                rows,
                columns);
    }
}
