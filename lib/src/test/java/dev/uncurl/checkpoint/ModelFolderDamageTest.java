package dev.uncurl.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import dev.uncurl.model.WeightArrays;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.commons.codec.digest.DigestUtils;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** Bytes that were changed after writing, and values that are not finite: found wherever they are read. */
class ModelFolderDamageTest extends ModelFolderFixture {
    @Test
    void aFlippedByteIsFoundAndTheFileNamed() throws IOException {
        ModelFolder model = write("m");
        for (String name : model.manifest().files().keySet()) {
            Path file = folder.resolve("m").resolve(name);
            byte[] content = Files.readAllBytes(file);
            content[content.length / 2] ^= 1;
            Files.write(file, content);
            assertThatThrownBy(() -> open("m").verify())
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining(name);
            content[content.length / 2] ^= 1;
            Files.write(file, content);
        }
        open("m").verify();
    }

    /** Bytes of the JSON files, to another digit or letter and to no text at all. */
    @Test
    void noByteOfConfigIndexOrManifestChangesUnnoticedOrEndsInAnythingButAUserError() throws IOException {
        String sha = write("m").manifestSha256();
        for (String name : List.of("config.json", "model.safetensors.index.json", "manifest.json")) {
            Path file = folder.resolve("m").resolve(name);
            byte[] content = Files.readAllBytes(file);
            for (int i = 0; i < content.length; i += 11) {
                for (int bit : new int[] {1, 0x80}) {
                    byte[] flipped = content.clone();
                    flipped[i] ^= (byte) bit;
                    Files.write(file, flipped);
                    try {
                        assertThat(open("m").manifestSha256()).as(name).isNotEqualTo(sha);
                    } catch (UserError e) {
                        assertThat(e.kind()).isEqualTo(UserError.Kind.INPUT);
                        assertThat(e).hasMessageContaining(folder.resolve("m").toString());
                    }
                }
            }
            Files.write(file, Arrays.copyOf(content, content.length / 2));
            assertThatThrownBy(() -> open("m")).isInstanceOf(UserError.class).hasMessageContaining(name);
            Files.write(file, content);
        }
    }

    @Test
    void aFlippedByteOfATensorIsRefusedWhereverItIsReadAndFileAndTensorNamed() throws IOException {
        write("m");
        Path shard = folder.resolve("m/model-00001-of-00004.safetensors");
        Safetensors.Tensor tensor = Safetensors.open(fs, hadoop(shard)).tensor("h.1.moe.experts.2.c_fc.weight");
        byte[] content = Files.readAllBytes(shard);
        content[(int) tensor.begin() + 9] ^= 8;
        Files.write(shard, content);
        ModelFolder model = open("m");
        for (var read : reads(model, tensor)) {
            assertThatThrownBy(read)
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("model-00001-of-00004.safetensors: tensor h.1.moe.experts.2.c_fc.weight")
                    .hasMessageContaining("CRC-32C");
        }
        model.read("h.1.moe.experts.1.c_fc.weight", new float[parameters.length], 0); // the others are as they were
    }

    /** Every way to read a tensor. */
    private List<ThrowingCallable> reads(ModelFolder model, Safetensors.Tensor tensor) {
        return List.of(
                () -> WeightArrays.array(CONFIG, model),
                () -> model.read(tensor.name(), new float[parameters.length], 0),
                () -> model.tensors()
                        .copy(
                                tensor.name(),
                                new SafetensorsWriter(
                                        java.io.OutputStream.nullOutputStream(),
                                        List.of(new SafetensorsWriter.Declaration("t", tensor.shape())),
                                        Map.of()),
                                "t"));
    }

    @Test
    void aValueThatIsNotFiniteIsRefusedWhereverItIsReadAndTensorAndIndexNamed() throws IOException {
        for (float poison : new float[] {Float.NaN, Float.NEGATIVE_INFINITY}) {
            write("m" + poison);
            Path shard = folder.resolve("m" + poison + "/model-00001-of-00004.safetensors");
            Safetensors.Tensor tensor = Safetensors.open(fs, hadoop(shard)).tensor("h.1.moe.experts.2.c_fc.weight");
            byte[] content = Files.readAllBytes(shard);
            ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN).putFloat((int) tensor.begin() + 4 * 17, poison);
            Files.write(shard, content);
            forget(shard, content);
            ModelFolder model = open("m" + poison);
            for (var read : reads(model, tensor)) {
                assertThatThrownBy(read)
                        .isInstanceOf(UserError.class)
                        .hasMessageContaining("model-00001-of-00004.safetensors: tensor h.1.moe.experts.2.c_fc.weight")
                        .hasMessageContaining("has the value " + poison + " at index 17")
                        .extracting(e -> ((UserError) e).kind())
                        .isEqualTo(UserError.Kind.INPUT);
            }
            assertThatThrownBy(model::verify).isInstanceOf(UserError.class).hasMessageContaining("at index 17");
            model.read("h.1.moe.experts.1.c_fc.weight", new float[parameters.length], 0);
        }
    }

    /** Makes the manifest that of a shard as it is now. */
    private void forget(Path shard, byte[] content) throws IOException {
        Path file = shard.resolveSibling("manifest.json");
        Manifest old = Manifest.parse(Files.readAllBytes(file));
        var files = new TreeMap<>(old.files());
        files.put(shard.getFileName().toString(), new Manifest.Entry(content.length, DigestUtils.sha256Hex(content)));
        Files.write(file, new Manifest(1, old.parameters(), files, old.lineage()).toJson());
    }

    @Test
    void aModelWithAValueThatIsNotFiniteIsNeverWritten() throws IOException {
        parameters[parameters.length - 1] = Float.POSITIVE_INFINITY;
        assertThatThrownBy(() -> write("m"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("Infinity")
                .hasMessageContaining("ln_f.bias");
        assertThat(listing(folder)).isEmpty();
    }
}
