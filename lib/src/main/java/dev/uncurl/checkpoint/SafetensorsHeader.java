package dev.uncurl.checkpoint;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.uncurl.error.UserError;
import dev.uncurl.model.spec.DType;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * The header of a safetensors file. Every size in it is checked against the size of the file before it is used.
 *
 * @param tensors by name, in the order of their data
 * @param metadata the strings of {@code __metadata__}; empty if there are none
 */
record SafetensorsHeader(Map<String, Safetensors.Tensor> tensors, Map<String, String> metadata) {
    /** The maximal header length of the reference implementation. */
    private static final long LONGEST_HEADER = 100_000_000;

    private static final String METADATA = "__metadata__";
    private static final Set<String> FIELDS = Set.of("dtype", "shape", "data_offsets");
    private static final String REMEDY =
            "The file is damaged or was not written by a safetensors writer: copy it again from its source, or produce"
                    + " the model again.";
    private static final ObjectMapper JSON = new ObjectMapper()
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    /** @throws UserError (input) if the file is missing or its header is invalid */
    static SafetensorsHeader read(FileSystem fs, Path file) throws IOException {
        var metadata = new TreeMap<String, String>();
        var tensors = new ArrayList<Safetensors.Tensor>();
        try {
            long size = fs.getFileStatus(file).getLen();
            byte[] header = bytes(fs, file, size);
            long dataStart = Long.BYTES + header.length;
            parse(file, header, dataStart, size, tensors, metadata);
            return new SafetensorsHeader(contiguous(file, tensors, dataStart, size), metadata);
        } catch (FileNotFoundException e) {
            throw UserError.input("There is no file " + file, "Check the path, or produce the model again.", e);
        }
    }

    /** The tensors by name, in the order of their data. The data must fill the file from {@code start} to its end. */
    private static Map<String, Safetensors.Tensor> contiguous(
            Path file, List<Safetensors.Tensor> tensors, long start, long size) {
        tensors.sort(Comparator.comparingLong(Safetensors.Tensor::begin).thenComparingLong(Safetensors.Tensor::end));
        long expected = start;
        var byName = new LinkedHashMap<String, Safetensors.Tensor>();
        for (Safetensors.Tensor tensor : tensors) {
            if (tensor.begin() != expected) {
                String how = tensor.begin() < expected ? "overlaps the tensor before it" : "leaves a gap before it";
                throw damaged(file, "tensor " + tensor.name() + " " + how);
            }
            expected = tensor.end();
            byName.put(tensor.name(), tensor);
        }
        if (expected != size) {
            throw damaged(file, (size - expected) + " bytes after the last tensor belong to no tensor");
        }
        return byName;
    }

    private static byte[] bytes(FileSystem fs, Path file, long size) throws IOException {
        if (size < Long.BYTES + 2) {
            throw damaged(file, "it has " + size + " bytes, too few for a header");
        }
        try (FSDataInputStream in = fs.open(file)) {
            byte[] prefix = new byte[Long.BYTES];
            in.readFully(0, prefix);
            long length = ByteBuffer.wrap(prefix).order(ByteOrder.LITTLE_ENDIAN).getLong();
            if (length < 2 || length > Math.min(size - Long.BYTES, LONGEST_HEADER)) {
                throw damaged(file, "the header has " + length + " bytes by its length field; the file has " + size);
            }
            byte[] header = new byte[(int) length];
            in.readFully(Long.BYTES, header);
            return header;
        }
    }

    private static void parse(
            Path file,
            byte[] header,
            long dataStart,
            long size,
            List<Safetensors.Tensor> tensors,
            Map<String, String> metadata) {
        JsonNode root;
        try {
            root = JSON.readTree(header);
        } catch (JsonProcessingException e) {
            throw UserError.input(file + ": the header is not JSON: " + e.getOriginalMessage(), REMEDY, e);
        } catch (IOException e) {
            throw UserError.input(file + ": the header is not UTF-8", REMEDY, e);
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

    private static Safetensors.Tensor tensor(Path file, String name, JsonNode node, long dataStart, long size) {
        String where = "tensor " + name + " ";
        if (!node.isObject() || node.size() != FIELDS.size() || !FIELDS.stream().allMatch(node::has)) {
            throw damaged(file, where + "is not described by dtype, shape and data_offsets");
        }
        DType dtype = dtype(file, where, node.get("dtype").asText());
        var shape = new ArrayList<Integer>();
        long bytes = dtype.bytes();
        for (JsonNode dimension : node.get("shape")) {
            if (!dimension.isIntegralNumber() || !dimension.canConvertToInt() || dimension.intValue() < 0) {
                throw damaged(file, where + "has a dimension of " + dimension);
            }
            shape.add(dimension.intValue());
            bytes = Math.multiplyHigh(bytes, dimension.intValue()) == 0 ? bytes * dimension.intValue() : -1;
            if (bytes < 0) {
                throw damaged(file, where + "has a shape " + node.get("shape") + " that is larger than any file");
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
        return new Safetensors.Tensor(name, List.copyOf(shape), dtype, dataStart + begin, dataStart + end);
    }

    private static DType dtype(Path file, String where, String type) {
        for (DType known : DType.values()) {
            if (known.name().equals(type)) {
                return known;
            }
        }
        throw UserError.input(
                file + ": " + where + "is stored as " + type + "; supported types are "
                        + Arrays.toString(DType.values()),
                "Convert the model to one of them.");
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

    static UserError damaged(Path file, String what) {
        return UserError.input(file + ": " + what, REMEDY);
    }
}
