package dev.uncurl.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsTest {
    @TempDir
    Path folder;

    private Safetensors open(byte[] content) throws IOException {
        Path file = folder.resolve("a.safetensors");
        Files.write(file, content);
        return Safetensors.open(
                FileSystem.getLocal(new Configuration()).getRawFileSystem(),
                new org.apache.hadoop.fs.Path(file.toUri()));
    }

    /** Plain construction by the public description, independent of the writer. */
    private static byte[] file(String header, int dataBytes) {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(8 + json.length + dataBytes)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(json.length)
                .put(json)
                .array();
    }

    private static byte[] written() throws IOException {
        var out = new ByteArrayOutputStream();
        var declarations = List.of(
                new SafetensorsWriter.Declaration("a", List.of(2, 3)),
                new SafetensorsWriter.Declaration("b", List.of()),
                new SafetensorsWriter.Declaration("c", List.of(0, 4)));
        try (var writer = new SafetensorsWriter(out, declarations, Map.of("format", "pt"))) {
            writer.write("a", new float[] {9, 0, 1, -2, 3.5f, Float.MIN_VALUE, -0f}, 1);
            writer.write("b", new float[] {Float.MAX_VALUE}, 0);
            writer.write("c", new float[0], 0);
            writer.finish();
        }
        return out.toByteArray();
    }

    @Test
    void bytesLieAsThePublicDescriptionSays() throws IOException {
        String json = "{\"__metadata__\":{\"format\":\"pt\"},"
                + "\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
                + "\"b\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[24,28]},"
                + "\"c\":{\"dtype\":\"F32\",\"shape\":[0,4],\"data_offsets\":[28,28]}}";
        int padded = (json.length() + 7) / 8 * 8;
        byte[] expected = file(json + " ".repeat(padded - json.length()), 28);
        var data = ByteBuffer.wrap(expected).order(ByteOrder.LITTLE_ENDIAN).position(8 + padded);
        for (float value : new float[] {0, 1, -2, 3.5f, Float.MIN_VALUE, -0f, Float.MAX_VALUE}) {
            data.putFloat(value);
        }
        assertThat(written()).isEqualTo(expected);
    }

    /** Larger than a part, and not a multiple of one. */
    @Test
    void valuesInPartsAreThoseOfTheWholeTensorAndDoublesAreRounded() throws IOException {
        double[] values = new Random(1).doubles(100_001, -1, 1).toArray();
        var out = new ByteArrayOutputStream();
        var declarations = List.of(
                new SafetensorsWriter.Declaration("a", List.of(3)),
                new SafetensorsWriter.Declaration("b", List.of(values.length - 1)));
        try (var writer = new SafetensorsWriter(out, declarations, Map.of())) {
            writer.write("a", values);
            writer.write("b", values);
            writer.finish();
        }
        Safetensors file = open(out.toByteArray());
        float[] whole = new float[values.length - 1];
        file.read("b", whole, 0);
        float[] parts = new float[whole.length];
        var sizes = new ArrayList<Integer>();
        file.read("b", (part, count, at) -> {
            System.arraycopy(part, 0, parts, at, count);
            sizes.add(count);
        });
        assertThat(sizes).hasSizeGreaterThan(2);
        assertThat(parts).isEqualTo(whole);
        for (int i = 0; i < whole.length; i++) {
            assertThat(whole[i]).isEqualTo((float) values[i]);
        }
    }

    @Test
    void readsBackWhatWasWrittenByName() throws IOException {
        Safetensors file = open(written());
        assertThat(file.metadata()).containsExactly(Map.entry("format", "pt"));
        assertThat(file.tensor("a").shape()).containsExactly(2, 3);
        float[] into = new float[8];
        file.read("a", into, 1);
        assertThat(into).containsExactly(0, 0, 1, -2, 3.5f, Float.MIN_VALUE, -0f, 0);
        assertThatThrownBy(() -> file.read("a", new float[6], 1)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> file.tensor("d")).isInstanceOf(UserError.class).hasMessageContaining("tensor d");
    }

    @Test
    void tensorsMayBeDescribedInAnotherOrderThanTheirData() throws IOException {
        Safetensors file = open(file(
                "{\"z\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]},"
                        + "\"y\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
                12));
        assertThat(file.tensors()).extracting(Safetensors.Tensor::name).containsExactly("y", "z");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            {"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"u":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}} | tensor u overlaps
            {"t":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}} | tensor t leaves a gap
            {"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} | 4 bytes after the last tensor
            {"t":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}} | tensor t reaches to byte 12 of 8
            {"t":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}} | needs 12 bytes
            {"t":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}} | tensor t of shape
            {"t":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}} | tensor t has a data offset of -8
            {"t":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}} | tensor t has a dimension of -2
            {"t":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}} | tensor t has a dimension of 2.0
            {"t":{"dtype":"F32","shape":[2147483647,2147483647,2147483647],"data_offsets":[0,8]}} | larger than any file
            {"t":{"dtype":"F32","shape":[2],"data_offsets":[0,99999999999999999999]}} | tensor t has a data offset
            {"t":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}} | tensor t is stored as F64; supported types are [F32, BF16, F16]
            {"t":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}} | tensor t is stored as F33
            {"t":{"dtype":32,"shape":[2],"data_offsets":[0,8]}} | tensor t is stored as 32
            {"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"u":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} | tensor u overlaps
            {"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"u":{"dtype":"F32","shape":[0],"data_offsets":[8,8]}} | tensor u leaves a gap
            {"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"__metadata__":{"a":1}} | __metadata__
            {"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"__metadata__":[]} | __metadata__
            {"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} {} | not JSON
            {"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}} | tensor t is not described
            {"t":{"dtype":"F32","shape":[2]}} | tensor t is not described
            {"t":{"dtype":"F32","shape":2,"data_offsets":[0,4]}} | tensor t has no shape
            {"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} | Duplicate field
            [1] | not a JSON object
            {"t": | not JSON
            """)
    void aHeaderThatLiesIsRefused(String header, String message) {
        assertThatThrownBy(() -> open(file(header, 8)))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("a.safetensors")
                .hasMessageContaining(message);
    }

    @ParameterizedTest
    @CsvSource({"-1", "0", "1", "200", "9223372036854775807"})
    void aHeaderLengthBeyondTheFileIsRefusedBeforeAllocation(long length) {
        byte[] content = file("{}", 16);
        ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN).putLong(0, length);
        assertThatThrownBy(() -> open(content)).isInstanceOf(UserError.class).hasMessageContaining("a.safetensors");
    }

    @Test
    void aHeaderThatIsNotUtf8IsRefused() {
        byte[] content = file("{\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8);
        content[8 + 2] = (byte) 0xff;
        assertThatThrownBy(() -> open(content)).isInstanceOf(UserError.class).hasMessageContaining("a.safetensors");
    }

    @Test
    void aFileTooShortForAHeaderIsRefused() {
        assertThatThrownBy(() -> open(new byte[5]))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("5 bytes");
    }

    @Test
    void theWriterHoldsToTheDeclaredOrder() throws IOException {
        var declarations = List.of(
                new SafetensorsWriter.Declaration("a", List.of(1)), new SafetensorsWriter.Declaration("b", List.of(1)));
        var writer = new SafetensorsWriter(new ByteArrayOutputStream(), declarations, Map.of());
        assertThatThrownBy(() -> writer.write("b", new float[1], 0)).isInstanceOf(IllegalStateException.class);
        writer.write("a", new float[1], 0);
        assertThatThrownBy(writer::finish)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("b");
    }
}
