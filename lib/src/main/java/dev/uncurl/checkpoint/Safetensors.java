package dev.uncurl.checkpoint;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.uncurl.error.Refusal;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import java.util.zip.CheckedOutputStream;
import java.util.zip.Checksum;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * One safetensors file, read by byte range. The format: eight bytes little-endian n; n bytes of JSON that map each
 * tensor's name to {@code {"dtype": "F32", "shape": [..], "data_offsets": [begin, end]}} (offsets count from the end
 * of the header), optionally with a map of strings under {@code __metadata__}; then the data, little-endian and
 * without gaps.
 *
 * <p>{@link #open} trusts nothing: a header that lies about sizes is refused, with file and tensor named, before
 * anything larger than the file is allocated. Only F32 is read. Instances hold the header, no stream, and may be shared
 * between threads.
 */
public final class Safetensors {
    /** The reference implementation's ceiling for a header. */
    private static final long LONGEST_HEADER = 100_000_000;

    private static final int CHUNK = 1 << 20;
    private static final String METADATA = "__metadata__";
    private static final Set<String> FIELDS = Set.of("dtype", "shape", "data_offsets");
    private static final String REMEDY =
            "The file is damaged or was not written by a safetensors writer: copy it again from its source, or produce"
                    + " the model again.";
    private static final ObjectMapper JSON = new ObjectMapper()
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    /**
     * One tensor of the file.
     *
     * @param begin first byte of its data, counted from the start of the file
     * @param end byte after its data
     */
    public record Tensor(String name, List<Integer> shape, long begin, long end) {
        /** Number of elements. */
        public long length() {
            return (end - begin) / Float.BYTES;
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

    /** @throws Refusal (input) when the file is missing or its header does not hold together */
    public static Safetensors open(FileSystem fs, Path file) throws IOException {
        return open(fs, file, Map.of());
    }

    /** As {@link #open(FileSystem, Path)}; a tensor whose CRC-32C is known is held against it whenever it is read. */
    static Safetensors open(FileSystem fs, Path file, Map<String, String> sums) throws IOException {
        var metadata = new TreeMap<String, String>();
        var tensors = new ArrayList<Tensor>();
        long size;
        long dataStart;
        try {
            size = fs.getFileStatus(file).getLen();
            byte[] header = header(fs, file, size);
            dataStart = Long.BYTES + header.length;
            parse(file, header, dataStart, size, tensors, metadata);
        } catch (FileNotFoundException missing) {
            throw Refusal.input("There is no file " + file, "Check the path; produce the model again.", missing);
        }
        tensors.sort(Comparator.comparingLong(Tensor::begin).thenComparingLong(Tensor::end));
        long expected = dataStart;
        var byName = new LinkedHashMap<String, Tensor>();
        for (Tensor tensor : tensors) {
            if (tensor.begin() != expected) {
                String how = tensor.begin() < expected ? "overlaps the tensor before it" : "leaves a gap before it";
                throw damaged(file, "tensor " + tensor.name() + " " + how);
            }
            expected = tensor.end();
            byName.put(tensor.name(), tensor);
        }
        if (expected != size) {
            throw damaged(file, (size - expected) + " bytes after the last tensor belong to none");
        }
        return new Safetensors(fs, file, byName, metadata, sums);
    }

    private static byte[] header(FileSystem fs, Path file, long size) throws IOException {
        if (size < Long.BYTES + 2) {
            throw damaged(file, "it has " + size + " bytes, too few for a header");
        }
        try (FSDataInputStream in = fs.open(file)) {
            byte[] prefix = new byte[Long.BYTES];
            in.readFully(0, prefix);
            long length = ByteBuffer.wrap(prefix).order(ByteOrder.LITTLE_ENDIAN).getLong();
            if (length < 2 || length > Math.min(size - Long.BYTES, LONGEST_HEADER)) {
                throw damaged(file, "the header claims " + length + " bytes in a file of " + size);
            }
            byte[] header = new byte[(int) length];
            in.readFully(Long.BYTES, header);
            return header;
        }
    }

    private static void parse(
            Path file, byte[] header, long dataStart, long size, List<Tensor> tensors, Map<String, String> metadata) {
        JsonNode root;
        try {
            root = JSON.readTree(header);
        } catch (JsonProcessingException e) {
            throw Refusal.input(file + ": the header is not JSON: " + e.getOriginalMessage(), REMEDY, e);
        } catch (IOException e) {
            throw Refusal.input(file + ": the header is not UTF-8", REMEDY, e);
        }
        if (header[0] != '{' || !root.isObject()) {
            throw damaged(file, "the header is not a JSON object");
        }
        root.fields().forEachRemaining(field -> {
            if (field.getKey().equals(METADATA)) {
                metadata.putAll(strings(file, field.getValue()));
            } else {
                tensors.add(tensor(file, field.getKey(), field.getValue(), dataStart, size));
            }
        });
    }

    private static Map<String, String> strings(Path file, JsonNode node) {
        var strings = new TreeMap<String, String>();
        node.fields()
                .forEachRemaining(
                        entry -> strings.put(entry.getKey(), entry.getValue().textValue()));
        if (!node.isObject() || strings.containsValue(null)) {
            throw damaged(file, METADATA + " is not a map of strings");
        }
        return strings;
    }

    private static Tensor tensor(Path file, String name, JsonNode node, long dataStart, long size) {
        String where = "tensor " + name + " ";
        if (!node.isObject() || node.size() != FIELDS.size() || !FIELDS.stream().allMatch(node::has)) {
            throw damaged(file, where + "is not described by dtype, shape and data_offsets");
        }
        String type = node.get("dtype").asText();
        if (!type.equals("F32")) {
            throw Refusal.input(
                    file + ": " + where + "is stored as " + type + "; only F32 is read", "Convert the model to F32.");
        }
        var shape = new ArrayList<Integer>();
        long bytes = Float.BYTES;
        for (JsonNode dimension : node.get("shape")) {
            if (!dimension.isIntegralNumber() || !dimension.canConvertToInt() || dimension.intValue() < 0) {
                throw damaged(file, where + "has a dimension of " + dimension);
            }
            shape.add(dimension.intValue());
            bytes = Math.multiplyHigh(bytes, dimension.intValue()) == 0 ? bytes * dimension.intValue() : -1;
            if (bytes < 0) {
                throw damaged(file, where + "has a shape " + node.get("shape") + " beyond any file");
            }
        }
        JsonNode offsets = node.get("data_offsets");
        if (!node.get("shape").isArray() || !offsets.isArray() || offsets.size() != 2) {
            throw damaged(file, where + "has no shape or no pair of data_offsets");
        }
        long begin = offset(file, where, offsets.get(0), size - dataStart);
        long end = offset(file, where, offsets.get(1), size - dataStart);
        if (end - begin != bytes) {
            throw damaged(file, where + "of shape " + shape + " needs " + bytes + " bytes but has offsets " + offsets);
        }
        return new Tensor(name, List.copyOf(shape), dataStart + begin, dataStart + end);
    }

    private static long offset(Path file, String where, JsonNode node, long dataBytes) {
        if (!node.isIntegralNumber() || !node.canConvertToLong() || node.longValue() < 0) {
            throw damaged(file, where + "has a data offset of " + node);
        }
        if (node.longValue() > dataBytes) {
            throw damaged(file, where + "reaches to byte " + node + " of " + dataBytes + " bytes of data");
        }
        return node.longValue();
    }

    private static Refusal damaged(Path file, String what) {
        return Refusal.input(file + ": " + what, REMEDY);
    }

    public Path file() {
        return file;
    }

    /** All tensors in the order of their data. */
    public List<Tensor> tensors() {
        return List.copyOf(tensors.values());
    }

    /** The strings stored beside the tensors; empty when there are none. */
    public Map<String, String> metadata() {
        return Map.copyOf(metadata);
    }

    /** @throws Refusal (input) when the file has no tensor of that name */
    public Tensor tensor(String name) {
        Tensor tensor = tensors.get(name);
        if (tensor == null) {
            throw damaged(file, "tensor " + name + " is missing");
        }
        return tensor;
    }

    /** Reads one tensor, and nothing but its bytes, into {@code into[offset ..]}. */
    public void read(String name, float[] into, int offset) throws IOException {
        try (FSDataInputStream in = fs.open(file)) {
            read(in, tensor(name), into, offset);
        }
    }

    /** Gives {@code writer} the tensor {@code target}, with the bytes of this file's tensor {@code source} as they are. */
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
        byte[] chunk = new byte[(int) Math.min(CHUNK, tensor.end() - tensor.begin())];
        var floats = ByteBuffer.wrap(chunk).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
        var sum = new CRC32C();
        int to = offset;
        for (long at = tensor.begin(); at < tensor.end(); ) {
            int bytes = (int) Math.min(chunk.length, tensor.end() - at);
            in.readFully(at, chunk, 0, bytes);
            sum.update(chunk, 0, bytes);
            floats.rewind().get(into, to, bytes / Float.BYTES);
            to += bytes / Float.BYTES;
            at += bytes;
        }
        check(tensor, sum);
    }

    /** Copies the bytes of one tensor as they are. */
    void copy(FSDataInputStream in, Tensor tensor, OutputStream out) throws IOException {
        byte[] chunk = new byte[(int) Math.min(CHUNK, tensor.end() - tensor.begin())];
        var sum = new CRC32C();
        for (long at = tensor.begin(); at < tensor.end(); ) {
            int bytes = (int) Math.min(chunk.length, tensor.end() - at);
            in.readFully(at, chunk, 0, bytes);
            sum.update(chunk, 0, bytes);
            out.write(chunk, 0, bytes);
            at += bytes;
        }
        check(tensor, sum);
    }

    private void check(Tensor tensor, Checksum sum) {
        String known = sums.getOrDefault(tensor.name(), sum(sum));
        if (!known.equals(sum(sum))) {
            throw damaged(
                    file,
                    "tensor " + tensor.name() + " is not what was written: its CRC-32C is " + sum(sum)
                            + ", by the manifest " + known);
        }
    }

    /** As a manifest has it. */
    static String sum(Checksum sum) {
        return String.format("%08x", sum.getValue());
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
