package dev.uncurl.exchange;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Bytes and texts among the numbers that ranks gather. */
final class GatheredText {
    private GatheredText() {}

    /** Their length, then eight in each number. */
    static long[] numbers(byte[] bytes) {
        var buffer = ByteBuffer.allocate((1 + (bytes.length + Long.BYTES - 1) / Long.BYTES) * Long.BYTES);
        buffer.putLong(bytes.length).put(bytes).rewind();
        long[] numbers = new long[buffer.capacity() / Long.BYTES];
        buffer.asLongBuffer().get(numbers);
        return numbers;
    }

    static byte[] bytes(long[] numbers) {
        var buffer = ByteBuffer.allocate(numbers.length * Long.BYTES);
        buffer.asLongBuffer().put(numbers);
        return Arrays.copyOfRange(buffer.array(), Long.BYTES, Long.BYTES + (int) numbers[0]);
    }

    static long[] numbers(String text) {
        return numbers(text.getBytes(StandardCharsets.UTF_8));
    }

    static String of(long[] numbers) {
        return new String(bytes(numbers), StandardCharsets.UTF_8);
    }
}
