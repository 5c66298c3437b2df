package dev.uncurl.checkpoint;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.uncurl.model.Weights;
import dev.uncurl.model.spec.DType;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import java.util.zip.CheckedOutputStream;
import org.apache.hadoop.fs.FSDataInputStream;

/**
 * Writes a safetensors file to a stream. All tensors are declared first, because the header precedes the data, and then
 * written in the declared order. The header is padded with spaces so that the data start at a multiple of eight bytes.
 */
public final class SafetensorsWriter implements Closeable {
    private static final int PART = 1 << 15;
    private static final int ALIGNMENT = 8;
    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * A tensor to be written.
     *
     * @param shape row-major
     * @param dtype storage type; values are rounded to it by {@link DType#encode}
     */
    public record Declaration(String name, List<Integer> shape, DType dtype) {
        /** A tensor of type F32. */
        public Declaration(String name, List<Integer> shape) {
            this(name, shape, DType.F32);
        }

        long length() {
            return shape.stream().mapToLong(Integer::longValue).reduce(1, Math::multiplyExact);
        }
    }

    private final CheckedOutputStream out;
    private final List<Declaration> declarations;
    private final SortedMap<String, String> sums = new TreeMap<>();
    private int next;

    /**
     * Writes the header.
     *
     * @param out closed with this writer
     * @param metadata strings for {@code __metadata__}, which is omitted if there are none
     */
    public SafetensorsWriter(OutputStream out, List<Declaration> declarations, Map<String, String> metadata)
            throws IOException {
        this.out = new CheckedOutputStream(out, new CRC32C());
        this.declarations = List.copyOf(declarations);
        out.write(header(declarations, metadata));
    }

    private static byte[] header(List<Declaration> declarations, Map<String, String> metadata) throws IOException {
        ObjectNode root = JSON.createObjectNode();
        if (!metadata.isEmpty()) {
            ObjectNode strings = root.putObject("__metadata__");
            metadata.entrySet().stream()
                    .sorted(Map.Entry.comparingByKey())
                    .forEach(entry -> strings.put(entry.getKey(), entry.getValue()));
        }
        var names = new HashSet<String>();
        long offset = 0;
        for (Declaration declaration : declarations) {
            if (!names.add(declaration.name())) {
                throw new IllegalArgumentException("Two tensors are called " + declaration.name());
            }
            ObjectNode node = root.putObject(declaration.name())
                    .put("dtype", declaration.dtype().name());
            declaration.shape().forEach(node.putArray("shape")::add);
            long end = offset + declaration.length() * declaration.dtype().bytes();
            node.putArray("data_offsets").add(offset).add(end);
            offset = end;
        }
        byte[] json = JSON.writeValueAsBytes(root);
        int padded = (json.length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        var header = ByteBuffer.allocate(Long.BYTES + padded).order(ByteOrder.LITTLE_ENDIAN);
        header.putLong(padded).put(json);
        while (header.hasRemaining()) {
            header.put((byte) ' ');
        }
        return header.array();
    }

    /** Copies {@code count} values of a tensor, starting at index {@code at}, to {@code part}. */
    @FunctionalInterface
    private interface Values {
        void put(float[] part, int count, int at);
    }

    /** Writes the next declared tensor from {@code values[offset ..]}. */
    public void write(String name, float[] values, int offset) throws IOException {
        write(name, offset, values.length, (part, count, at) -> System.arraycopy(values, offset + at, part, 0, count));
    }

    /** Writes the next declared tensor from the first elements of {@code values}, rounded to FLOAT and then to its type. */
    public void write(String name, double[] values) throws IOException {
        write(name, 0, values.length, (part, count, at) -> {
            for (int i = 0; i < count; i++) {
                part[i] = (float) values[at + i];
            }
        });
    }

    /** Writes the next declared tensor from tensor {@code source} of {@code weights}, in parts. */
    public void write(String name, Weights weights, String source) throws IOException {
        Declaration tensor = next(name);
        int length = Math.toIntExact(tensor.length());
        var encoder = new Encoder(tensor, Math.min(Weights.PART, length));
        var written = new int[1];
        weights.read(source, (values, count, at) -> {
            if (at != written[0] || count > length - at) {
                throw new IllegalArgumentException(
                        "Tensor " + source + " does not have the " + length + " values of " + name + " in their order");
            }
            encoder.write(values, count);
            written[0] += count;
        });
        if (written[0] != length) {
            throw new IllegalArgumentException(
                    "Tensor " + source + " has " + written[0] + " values, not the " + length + " of " + name);
        }
        encoder.finish();
    }

    private void write(String name, int offset, int available, Values values) throws IOException {
        Declaration tensor = next(name);
        int length = Math.toIntExact(tensor.length());
        Objects.checkFromIndexSize(offset, length, available);
        float[] part = new float[Math.min(PART, length)];
        var encoder = new Encoder(tensor, part.length);
        for (int done = 0; done < length; done += part.length) {
            int count = Math.min(part.length, length - done);
            values.put(part, count, done);
            encoder.write(part, count);
        }
        encoder.finish();
    }

    /** Encodes the values of one tensor and writes them to the stream. */
    private final class Encoder {
        private final Declaration tensor;
        private final Chunk chunk;
        private final Finite finite;

        Encoder(Declaration tensor, int values) {
            this.tensor = tensor;
            chunk = new Chunk(tensor.dtype(), values);
            finite = new Finite(tensor.dtype());
        }

        void write(float[] values, int count) throws IOException {
            int bytes = count * tensor.dtype().bytes();
            chunk.encode(values, count);
            finite.take(chunk.bytes(), bytes);
            out.write(chunk.bytes(), 0, bytes);
        }

        /** @throws dev.uncurl.error.UserError (input) if a value is not finite after conversion to the tensor's type */
        void finish() {
            finite.require("The file to be written", tensor.name(), tensor.shape());
            sums.put(tensor.name(), Safetensors.sum(out.getChecksum()));
        }
    }

    /** Writes the next declared tensor from {@code tensor} of another file: bit for bit if both have the same type. */
    void copy(String name, Safetensors source, FSDataInputStream in, Safetensors.Tensor tensor) throws IOException {
        Declaration declared = next(name);
        if (declared.length() != tensor.length()) {
            throw new IllegalArgumentException("Tensor " + name + " differs in size from " + tensor.name());
        }
        if (declared.dtype() == tensor.dtype()) {
            source.copy(in, tensor, out);
            sums.put(name, Safetensors.sum(out.getChecksum()));
            return;
        }
        var encoder = new Encoder(declared, (int) Math.min(PART, tensor.length()));
        source.read(in, tensor, (values, count, at) -> encoder.write(values, count));
        encoder.finish();
    }

    /** CRC-32C of each tensor written so far, by name. */
    SortedMap<String, String> sums() {
        return sums;
    }

    private Declaration next(String name) {
        if (next == declarations.size() || !declarations.get(next).name().equals(name)) {
            throw new IllegalStateException("Tensor " + name + " is not the next one declared");
        }
        out.getChecksum().reset();
        return declarations.get(next++);
    }

    /** Closes the stream. @throws IllegalStateException if a declared tensor was not written */
    public void finish() throws IOException {
        if (next != declarations.size()) {
            throw new IllegalStateException("Tensor " + declarations.get(next).name() + " was not written");
        }
        close();
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
