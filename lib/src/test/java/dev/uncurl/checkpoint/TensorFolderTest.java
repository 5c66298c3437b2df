package dev.uncurl.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import dev.uncurl.model.WeightArrays;
import dev.uncurl.model.spec.DType;
import dev.uncurl.model.spec.NamedArchitecture;
import dev.uncurl.model.spec.NeuronAxis;
import dev.uncurl.model.spec.TensorRole;
import dev.uncurl.model.spec.TensorSpec;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.commons.codec.digest.DigestUtils;
import org.junit.jupiter.api.Test;

/** Folders whose files were cut by others, and folders of other types than F32. */
class TensorFolderTest extends ModelFolderFixture {
    private record Stored(String name, List<Integer> shape, DType dtype, float... values) {}

    private void file(String name, Stored... tensors) throws IOException {
        var bytes = new ByteArrayOutputStream();
        var declarations = Arrays.stream(tensors)
                .map(tensor -> new SafetensorsWriter.Declaration(tensor.name, tensor.shape, tensor.dtype))
                .toList();
        try (var writer = new SafetensorsWriter(bytes, declarations, Map.of())) {
            for (Stored tensor : tensors) {
                writer.write(tensor.name, tensor.values, 0);
            }
            writer.finish();
        }
        Files.write(folder.resolve(name), bytes.toByteArray());
    }

    private TensorFolder openNames() throws IOException {
        return TensorFolder.open(fs, hadoop(folder), NamedArchitecture.OLMOE);
    }

    @Test
    void aFolderWithOneFileNeedsNoIndexAndEachTypeBecomesFloat() throws IOException {
        String expert = "model.layers.3.mlp.experts.12.";
        file(
                "model.safetensors",
                new Stored("model.norm.weight", List.of(2), DType.F16, 0.5f, -65504),
                new Stored(expert + "down_proj.weight", List.of(1, 2), DType.BF16, 1.0078125f, -0f),
                new Stored("model.layers.3.mlp.gate.weight", List.of(1, 2), DType.F32, 0.1f, 0.2f));
        TensorFolder names = openNames();
        assertThat(names.read("model.norm.weight")).containsExactly(0.5f, -65504);
        assertThat(names.read(expert + "down_proj.weight")).containsExactly(1.0078125f, -0f);
        assertThat(names.read("model.layers.3.mlp.gate.weight")).containsExactly(0.1f, 0.2f);
        assertThat(names.tensors(3))
                .containsExactly(
                        new TensorSpec(
                                expert + "down_proj.weight",
                                List.of(1, 2),
                                TensorRole.EXPERT_DOWN,
                                3,
                                12,
                                NeuronAxis.COLUMNS,
                                DType.BF16),
                        new TensorSpec(
                                "model.layers.3.mlp.gate.weight",
                                List.of(1, 2),
                                TensorRole.ROUTER,
                                3,
                                TensorSpec.NONE,
                                NeuronAxis.NONE,
                                DType.F32));
        assertThat(names.tensor("model.norm.weight").layer()).isEqualTo(TensorSpec.NONE);
    }

    @Test
    void aValueTooLargeForItsTypeOrNotFiniteIsRefused() throws IOException {
        for (DType dtype : new DType[] {DType.BF16, DType.F16}) {
            assertThatThrownBy(() -> file("x", new Stored("t", List.of(2), dtype, 1, Float.MAX_VALUE)))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("tensor t")
                    .hasMessageContaining("Infinity at index 1")
                    .hasMessageContaining("store it as F32");
            file("model.safetensors", new Stored("t", List.of(3), dtype, 1, 2, 3));
            byte[] content = Files.readAllBytes(folder.resolve("model.safetensors"));
            content[content.length - 1] = (byte) 0xff; // sign and high bits of the exponent of the last value
            content[content.length - 2] = (byte) 0xff;
            Files.write(folder.resolve("model.safetensors"), content);
            assertThatThrownBy(() -> openNames().read("t"))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("NaN at index 2");
        }
    }

    @Test
    void indexAndFilesThatDisagreeAreRefused() throws IOException {
        var tensor = new Stored("a", List.of(1), DType.F32, 1);
        file("one.safetensors", tensor, new Stored("b", List.of(1), DType.F32, 2));
        var index = folder.resolve("model.safetensors.index.json");
        for (String[] bad : new String[][] {
            {"{\"weight_map\": {\"a\": \"one.safetensors\"}}", "has 2 tensors, but the index of its folder lists 1"},
            {"{\"weight_map\": {\"c\": \"one.safetensors\"}}", "tensor c is missing"},
            {"{\"weight_map\": {\"a\": \"two.safetensors\"}}", "two.safetensors"},
            {"{\"weight_map\": {\"a\": \"../one.safetensors\"}}", "not the name of a file of this folder"},
            {"{\"weight_map\": {}}", "no weight_map"},
            {"{", "not JSON"},
        }) {
            Files.writeString(index, bad[0]);
            assertThatThrownBy(() -> openNames().tensors())
                    .as(bad[0])
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining(bad[1])
                    .hasMessageContaining(folder.toString());
        }
        file("model.safetensors", new Stored("model.layers.0.mlp.experts.gate_up_proj", List.of(1), DType.F32, 1));
        Files.delete(index);
        assertThatThrownBy(() -> openNames().tensors())
                .isInstanceOf(UserError.class)
                .hasMessageContaining("gate_up_proj belongs to experts");
    }

    /** The model of the fixture in files of another cut, and its values rounded to another type. */
    private ModelFolder rewritten(String name, DType dtype, boolean single) throws IOException {
        ModelFolder model = write(name);
        var dir = folder.resolve(name);
        var specs = Shards.of(CONFIG, dtype);
        var cut = new ArrayList<List<String>>();
        var names =
                specs.layout().tensors().stream().map(tensor -> tensor.name()).toList();
        int half = single ? names.size() : names.size() / 2;
        cut.add(names.subList(0, half));
        cut.add(names.subList(half, names.size()));
        var files = new TreeMap<String, Manifest.Entry>();
        var index = new TreeMap<String, String>();
        for (List<String> part : cut) {
            if (part.isEmpty()) {
                continue;
            }
            String file = single ? "model.safetensors" : "part-" + files.size() + ".safetensors";
            var bytes = new ByteArrayOutputStream();
            var declarations = part.stream()
                    .map(tensor -> new SafetensorsWriter.Declaration(
                            tensor, specs.layout().tensor(tensor).shape(), dtype))
                    .toList();
            try (var writer = new SafetensorsWriter(bytes, declarations, Map.of())) {
                for (String tensor : part) {
                    model.tensors().copy(tensor, writer, tensor);
                    index.put(tensor, file);
                }
                writer.finish();
            }
            files.put(file, put(dir, file, bytes.toByteArray()));
        }
        if (!single) {
            files.put(TensorIndex.FILE, put(dir, TensorIndex.FILE, TensorIndex.write(index, 1)));
        }
        files.put("config.json", put(dir, "config.json", ConfigJson.write(CONFIG, dtype)));
        Files.write(dir.resolve("manifest.json"), new Manifest(1, parameters.length, files, LINEAGE).toJson());
        return open(name);
    }

    private static Manifest.Entry put(java.nio.file.Path dir, String name, byte[] content) throws IOException {
        Files.write(dir.resolve(name), content);
        return new Manifest.Entry(content.length, DigestUtils.sha256Hex(content));
    }

    @Test
    void aModelIsReadWhateverFilesItsTensorsAreIn() throws IOException {
        for (boolean single : new boolean[] {false, true}) {
            ModelFolder model = rewritten("cut" + single, DType.F32, single);
            model.verify();
            assertThat(WeightArrays.array(model.config(), model)).containsExactly(parameters);
        }
    }

    @Test
    void aModelOfSixteenBitsIsReadAndItsConfigMustSaySo() throws IOException {
        for (int i = 0; i < parameters.length; i++) {
            parameters[i] = (i % 97 - 48) / 7f; // within the range of F16
        }
        for (DType dtype : DType.values()) {
            ModelFolder model = rewritten(dtype.id(), dtype, false);
            model.verify();
            assertThat(model.dtype()).isEqualTo(dtype);
            float[] expected = parameters.clone();
            for (int i = 0; i < expected.length; i++) {
                expected[i] = dtype.round(expected[i]);
            }
            assertThat(WeightArrays.array(model.config(), model)).containsExactly(expected);
            TensorFolder wide = write("wide" + dtype).tensors();
            for (String tensor : model.tensors().names()) {
                assertThat(model.tensors().same(tensor, wide, tensor)).isTrue();
            }
        }
        var dir = folder.resolve("bf16");
        var files = new TreeMap<>(open("bf16").manifest().files());
        files.put("config.json", put(dir, "config.json", ConfigJson.write(CONFIG, DType.F16)));
        Files.write(dir.resolve("manifest.json"), new Manifest(1, parameters.length, files, LINEAGE).toJson());
        assertThatThrownBy(() -> WeightArrays.array(open("bf16").config(), open("bf16")))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("is stored as BF16, but as F16 by config.json");
    }

    @Test
    void openingAgainLooksAtNoFileButManifestConfigAndIndex() throws IOException {
        String sha = write("m").manifestSha256();
        for (int shard = 0; shard < 3; shard++) {
            Files.delete(folder.resolve("m/model-0000" + shard + "-of-00004.safetensors"));
        }
        var model = ModelFolder.reopen(fs, hadoop(folder.resolve("m")), sha);
        assertThat(model.tensors().read("ln_f.bias")).hasSize(CONFIG.width());
        assertThatThrownBy(() -> model.tensors().read("h.0.ln_1.bias")).isInstanceOf(UserError.class);
        assertThatThrownBy(() -> open("m")).isInstanceOf(UserError.class).hasMessageContaining("model-00000");
        assertThatThrownBy(() -> ModelFolder.reopen(fs, hadoop(folder.resolve("m")), "0".repeat(64)))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("was replaced while it was in use");
    }
}
