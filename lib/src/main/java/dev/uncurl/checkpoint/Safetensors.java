package dev.uncurl.checkpoint;

import dev.uncurl.error.UserError;
import dev.uncurl.model.Weights;
import dev.uncurl.model.spec.DType;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import java.util.zip.CheckedOutputStream;
import java.util.zip.Checksum;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Reads a safetensors file by byte range. The format: n in eight bytes, little-endian; n bytes of JSON that map each
 * tensor's name to {@code {"dtype": "F32", "shape": [..], "data_offsets": [begin, end]}} (offsets count from the end
 * of the header), optionally with a map of strings under {@code __metadata__}; then the data, little-endian and
 * without gaps.
 *
 * <p>{@link #open} checks all sizes in the header against the size of the file before it allocates memory by them; errors name
 * file and tensor. Values of all types of {@link DType} can be read; they are converted to {@code float} exactly. Values that
 * are not finite are rejected. Instances have no open stream and are thread-safe.
 */
public final class Safetensors {
    private static final int CHUNK = 1 << 20;

    /**
     * One tensor of the file.
     *
     * @param dtype storage type
     * @param begin first byte of its data, counted from the start of the file
     * @param end position after the last byte of its data
     */
    public record Tensor(String name, List<Integer> shape, DType dtype, long begin, long end) {
        /** Number of elements. */
        public long length() {
            return (end - begin) / dtype.bytes();
        }
    }

    private final FileSystem fs;
    private final Path file;
    private final Map<String, Tensor> tensors;
    private final Map<String, String> metadata;
    private final Map<String, String> sums;

    private Safetensors(
            FileSystem fs,
            Path file,
            Map<String, Tensor> tensors,
            Map<String, String> metadata,
            Map<String, String> sums) {
        this.fs = fs;
        this.file = file;
        this.tensors = tensors;
        this.metadata = metadata;
        this.sums = sums;
    }

    /** @throws UserError (input) if the file is missing or its header is invalid */
    public static Safetensors open(FileSystem fs, Path file) throws IOException {
        return open(fs, file, Map.of());
    }

    /** As {@link #open(FileSystem, Path)}. @param sums CRC-32C by tensor; these tensors are checked whenever they are read */
    static Safetensors open(FileSystem fs, Path file, Map<String, String> sums) throws IOException {
        SafetensorsHeader header = SafetensorsHeader.read(fs, file);
        return new Safetensors(fs, file, header.tensors(), header.metadata(), sums);
    }

    public Path file() {
        return file;
    }

    /** All tensors in the order of their data. */
    public List<Tensor> tensors() {
        return List.copyOf(tensors.values());
    }

    /** The strings of {@code __metadata__}; empty if there are none. */
    public Map<String, String> metadata() {
        return Map.copyOf(metadata);
    }

    /** @throws UserError (input) if the file has no tensor of this name */
    public Tensor tensor(String name) {
        Tensor tensor = tensors.get(name);
        if (tensor == null) {
            throw SafetensorsHeader.damaged(file, "tensor " + name + " is missing");
        }
        return tensor;
    }

    /** Reads one tensor by byte range into {@code into[offset ..]}. */
    public void read(String name, float[] into, int offset) throws IOException {
        try (FSDataInputStream in = fs.open(file)) {
            read(in, tensor(name), into, offset);
        }
    }

    /**
     * Reads one tensor by byte range, in parts.
     *
     * @throws UserError (input) after the last part if the tensor is damaged or has a value that is not finite
     */
    public void read(String name, Weights.Values values) throws IOException {
        try (FSDataInputStream in = fs.open(file)) {
            read(in, tensor(name), values);
        }
    }

    /**
     * Writes tensor {@code source} of this file as tensor {@code target} of {@code writer}: its bytes if both have the same type,
     * otherwise its converted values.
     */
    public void copy(String source, SafetensorsWriter writer, String target) throws IOException {
        Tensor tensor = tensor(source);
        try (FSDataInputStream in = fs.open(file)) {
            writer.copy(target, this, in, tensor);
        }
    }

    /** An open stream for several {@link #read(FSDataInputStream, Tensor, float[], int)} in a row. */
    FSDataInputStream stream() throws IOException {
        return fs.open(file);
    }

    void read(FSDataInputStream in, Tensor tensor, float[] into, int offset) throws IOException {
        Objects.checkFromIndexSize(offset, Math.toIntExact(tensor.length()), into.length);
        read(in, tensor, (values, count, at) -> System.arraycopy(values, 0, into, offset + at, count));
    }

    void read(FSDataInputStream in, Tensor tensor, Weights.Values values) throws IOException {
        int length = Math.toIntExact(tensor.length());
        var floats = new float[Math.min(Weights.PART, length)];
        var chunk = new Chunk(tensor.dtype(), floats.length);
        int size = tensor.dtype().bytes();
        var sum = new CRC32C();
        var finite = new Finite(tensor.dtype());
        for (int at = 0; at < length; at += floats.length) {
            int count = Math.min(floats.length, length - at);
            in.readFully(tensor.begin() + (long) at * size, chunk.bytes(), 0, count * size);
            sum.update(chunk.bytes(), 0, count * size);
            finite.take(chunk.bytes(), count * size);
            chunk.decode(floats, count);
            values.take(floats, count, at);
        }
        check(tensor, sum);
        finite.require(file, tensor.name(), tensor.shape());
    }

    /** Copies the bytes of one tensor. */
    void copy(FSDataInputStream in, Tensor tensor, OutputStream out) throws IOException {
        byte[] chunk = new byte[(int) Math.min(CHUNK, tensor.end() - tensor.begin())];
        var sum = new CRC32C();
        var finite = new Finite(tensor.dtype());
        for (long at = tensor.begin(); at < tensor.end(); ) {
            int bytes = (int) Math.min(chunk.length, tensor.end() - at);
            in.readFully(at, chunk, 0, bytes);
            sum.update(chunk, 0, bytes);
            finite.take(chunk, bytes);
            out.write(chunk, 0, bytes);
            at += bytes;
        }
        check(tensor, sum);
        finite.require(file, tensor.name(), tensor.shape());
    }

    /** Whether a tensor equals, bit for bit, a tensor of another file after conversion to this tensor's type. */
    boolean same(String name, Safetensors other, String otherName) throws IOException {
        Tensor left = tensor(name);
        Tensor right = other.tensor(otherName);
        if (left.length() != right.length()) {
            return false;
        }
        int values = (int) Math.min(Weights.PART, left.length());
        var chunk = new Chunk(left.dtype(), values);
        var otherChunk = new Chunk(right.dtype(), values);
        var converted = new Chunk(left.dtype(), values);
        boolean convert = left.dtype() != right.dtype();
        var floats = new float[values];
        try (FSDataInputStream in = fs.open(file);
                FSDataInputStream otherIn = other.fs.open(other.file)) {
            for (long at = 0; at < left.length(); at += values) {
                int count = (int) Math.min(values, left.length() - at);
                int bytes = count * left.dtype().bytes();
                read(in, left, at, chunk, count);
                read(otherIn, right, at, otherChunk, count);
                if (convert) {
                    otherChunk.decode(floats, count);
                    converted.encode(floats, count);
                }
                byte[] expected = convert ? converted.bytes() : otherChunk.bytes();
                if (!Arrays.equals(chunk.bytes(), 0, bytes, expected, 0, bytes)) {
                    return false;
                }
            }
        }
        return true;
    }

    private static void read(FSDataInputStream in, Tensor tensor, long at, Chunk chunk, int count) throws IOException {
        int size = tensor.dtype().bytes();
        in.readFully(tensor.begin() + at * size, chunk.bytes(), 0, count * size);
    }

    private void check(Tensor tensor, Checksum sum) {
        String expected = sums.getOrDefault(tensor.name(), sum(sum));
        if (!expected.equals(sum(sum))) {
            throw SafetensorsHeader.damaged(
                    file,
                    "tensor " + tensor.name() + " has changed since it was written: its CRC-32C is " + sum(sum)
                            + ", but " + expected + " in the manifest");
        }
    }

    /** A checksum in the format of the manifest. */
    static String sum(Checksum sum) {
        return String.format(Locale.ROOT, "%08x", sum.getValue());
    }

    /** CRC-32C of each tensor, by name; reads the whole file. */
    SortedMap<String, String> sums() throws IOException {
        var found = new TreeMap<String, String>();
        try (FSDataInputStream in = fs.open(file)) {
            for (Tensor tensor : tensors.values()) {
                var sum = new CRC32C();
                copy(in, tensor, new CheckedOutputStream(OutputStream.nullOutputStream(), sum));
                found.put(tensor.name(), sum(sum));
            }
        }
        return found;
    }
}
