package dev.uncurl.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.uncurl.error.UserError;
import dev.uncurl.model.WeightArrays;
import dev.uncurl.model.spec.MoeConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import org.apache.commons.codec.digest.DigestUtils;
import org.junit.jupiter.api.Test;

class ModelFolderTest extends ModelFolderFixture {
    private static int[] bits(float[] values) {
        int[] bits = new int[values.length];
        Arrays.setAll(bits, i -> Float.floatToRawIntBits(values[i]));
        return bits;
    }

    @Test
    void aModelComesBackBitForBit() throws IOException {
        ModelFolder written = write("m");
        ModelFolder model = open("m");
        model.verify();
        assertThat(bits(WeightArrays.array(CONFIG, model))).isEqualTo(bits(parameters));
        assertThat(model.config()).isEqualTo(CONFIG);
        assertThat(model.manifest().lineage()).isEqualTo(LINEAGE);
        assertThat(model.manifestSha256()).isEqualTo(written.manifestSha256()).hasSize(64);
        var tensor = model.layout().tensor("h.1.moe.experts.2.c_proj.weight");
        float[] expert = new float[8 * 4 + 3];
        model.read(tensor.name(), expert, 3);
        int from = (int) tensor.offset();
        assertThat(bits(Arrays.copyOfRange(expert, 3, expert.length)))
                .isEqualTo(bits(Arrays.copyOfRange(parameters, from, from + 32)));
    }

    @Test
    void theFolderHoldsTheseFilesAndNothingElseLiesBesideIt() throws IOException {
        ModelFolder model = write("m");
        assertThat(listing(folder)).containsExactly("m");
        assertThat(listing(folder.resolve("m")))
                .containsExactly(
                        "config.json",
                        "manifest.json",
                        "model-00000-of-00004.safetensors",
                        "model-00001-of-00004.safetensors",
                        "model-00002-of-00004.safetensors",
                        "model-00003-of-00004.safetensors",
                        "model.safetensors.index.json");
        var index = new ObjectMapper()
                .readTree(folder.resolve("m/model.safetensors.index.json").toFile());
        assertThat(index.at("/metadata/total_size").asLong()).isEqualTo(4L * parameters.length);
        assertThat(index.at("/weight_map/wte.weight").asText()).isEqualTo("model-00003-of-00004.safetensors");
        assertThat(index.at("/weight_map/h.1.moe.router.weight").asText())
                .isEqualTo("model-00001-of-00004.safetensors");
        assertThat(model.bytes()).isGreaterThan(4L * parameters.length);
    }

    @Test
    void theSameModelGivesTheSameManifest() throws IOException {
        assertThat(write("a").manifestSha256()).isEqualTo(write("b").manifestSha256());
    }

    @Test
    void aConfigOrIndexThatWasEditedIsRefusedOnOpening() throws IOException {
        write("m");
        for (String name : List.of("config.json", "model.safetensors.index.json")) {
            Path file = folder.resolve("m").resolve(name);
            String text = Files.readString(file);
            Files.writeString(file, text.replace("true,", "false").replace("3024", "3025"));
            assertThat(Files.readString(file)).isNotEqualTo(text).hasSameSizeAs(text);
            assertThatThrownBy(() -> open("m")).isInstanceOf(UserError.class).hasMessageContaining(name);
            Files.writeString(file, text);
        }
        open("m");
    }

    @Test
    void aConfigThatUncurlDoesNotFollowIsRefusedByKeyAndValue() throws IOException {
        write("m");
        for (String[] edit : new String[][] {
            {
                "\"gelu_new\"",
                "\"relu\"",
                "activation_function is \"relu\", which is not supported; the only supported value is \"gelu_new\""
            },
            {"embeddings\" : true", "embeddings\" : false", "tie_word_embeddings is false"},
            {"\"float32\"", "\"float64\"", "torch_dtype is \"float64\""},
            {
                "{\n",
                "{ \"layer_norm_epsilon\" : 1e-6,\n",
                "layer_norm_epsilon is 1.0E-6, which is not supported; the only supported value is 1.0E-5"
            },
            {
                "{\n",
                "{ \"attn_pdrop\" : 0.1,\n",
                "attn_pdrop is 0.1, which is not supported; the only supported value is 0"
            },
            {"{\n", "{ \"position_embedding_type\" : \"rotary\",\n", "position_embedding_type is \"rotary\""},
            {"{\n", "{ \"sliding_window\" : 4,\n", "sliding_window is 4, which is a key that Uncurl does not know"},
            {"{\n", "{ \"n_layer\" : 4,\n", "n_layer"},
        }) {
            Path config = folder.resolve("m/config.json");
            String text = Files.readString(config);
            replaceConfig(edit[0], edit[1]);
            assertThatThrownBy(() -> open("m"))
                    .as(edit[1])
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("config.json")
                    .hasMessageContaining(edit[2]);
            Files.writeString(config, text);
        }
        replaceConfig("{\n", "{ \"layer_norm_epsilon\" : 1e-5, \"attn_pdrop\" : 0.0, \"architectures\" : [\"X\"],\n");
        assertThat(open("m").config()).isEqualTo(CONFIG);
    }

    @Test
    void aModelWrittenBeforeTensorsHadSumsIsStillRead() throws IOException {
        write("m");
        Path file = folder.resolve("m/manifest.json");
        Manifest old = Manifest.parse(Files.readAllBytes(file));
        var files = new TreeMap<String, Manifest.Entry>();
        old.files().forEach((name, entry) -> files.put(name, new Manifest.Entry(entry.bytes(), entry.sha256())));
        Files.write(file, new Manifest(1, old.parameters(), files, old.lineage()).toJson());
        assertThat(Files.readString(file)).doesNotContain("\"tensors\"");
        assertThat(bits(WeightArrays.array(CONFIG, open("m")))).isEqualTo(bits(parameters));
    }

    @Test
    void aMissingOrShortShardIsRefusedOnOpening() throws IOException {
        write("m");
        Path shard = folder.resolve("m/model-00002-of-00004.safetensors");
        byte[] content = Files.readAllBytes(shard);
        Files.write(shard, Arrays.copyOf(content, content.length - 4));
        assertThatThrownBy(() -> open("m")).isInstanceOf(UserError.class).hasMessageContaining("model-00002");
        Files.delete(shard);
        assertThatThrownBy(() -> open("m")).isInstanceOf(UserError.class).hasMessageContaining("model-00002");
    }

    @Test
    void aFolderWithoutAValidManifestIsNoModel() throws IOException {
        write("m");
        Path manifest = folder.resolve("m/manifest.json");
        String json = Files.readString(manifest);
        for (String bad : List.of(
                "",
                "{}",
                "null",
                json.substring(0, json.length() - 2),
                json.replace("\"format\" : 1", "\"format\" : 2"),
                json.replace("config.json", "../config.json"))) {
            Files.writeString(manifest, bad);
            assertThatThrownBy(() -> open("m")).isInstanceOf(UserError.class).hasMessageContaining("manifest");
        }
        Files.delete(manifest);
        assertThatThrownBy(() -> open("m"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("no valid manifest.json")
                .extracting(e -> ((UserError) e).kind())
                .isEqualTo(UserError.Kind.INPUT);
        assertThatThrownBy(() -> open("nowhere")).isInstanceOf(UserError.class).hasMessageContaining("nowhere");
    }

    @Test
    void aConfigThatDisagreesWithTheWeightsIsRefusedWithFileAndTensor() throws IOException {
        write("m");
        // forge the config together with its manifest entry, as only a lying producer would
        replaceConfig("\"num_local_experts\" : 3", "\"num_local_experts\" : 4");
        assertThatThrownBy(() -> open("m")).isInstanceOf(UserError.class).hasMessageContaining("h.1.moe.experts.3");
        replaceConfig("\"num_local_experts\" : 4", "\"num_local_experts\" : 3");
        replaceConfig("\"n_positions\" : 6", "\"n_positions\" : 7");
        assertThatThrownBy(() -> WeightArrays.array(CONFIG, open("m")))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("wpe.weight")
                .hasMessageContaining("model-00003");
        replaceConfig("\"n_positions\" : 7", "\"n_positions\" : \"x\"");
        assertThatThrownBy(() -> open("m")).isInstanceOf(UserError.class).hasMessageContaining("n_positions");
    }

    @Test
    void aFolderFromBeforeTheCapacityFactorIsAModelWithoutOne() throws IOException {
        write("m");
        replaceConfig("  \"capacity_factor\" : 1.25,\n", "");
        var old = open("m").config();
        assertThat(old.moe().capacityFactor()).isZero();
        assertThat(old.moe().withExperts(1)).isEqualTo(new MoeConfig(1, 1, 2, true, 0.01, 0.001));
        replaceConfig("\"norm_topk_prob\" : true", "\"norm_topk_prob\" : true, \"capacity_factor\" : -1");
        assertThatThrownBy(() -> open("m")).isInstanceOf(UserError.class).hasMessageContaining("capacity-factor = -1");
    }

    /** What readers outside Uncurl rely on; a change here is a change of the format. */
    @Test
    void theConfigOfAPlainModelIsExactlyThis() throws IOException {
        write("m");
        assertThat(Files.readString(folder.resolve("m/config.json")))
                .isEqualTo(
                        """
                        {
                          "model_type" : "uncurl-smoe-gpt2",
                          "n_layer" : 3,
                          "n_embd" : 4,
                          "n_head" : 2,
                          "n_inner" : 8,
                          "vocab_size" : 11,
                          "n_positions" : 6,
                          "num_local_experts" : 3,
                          "num_experts_per_tok" : 2,
                          "moe_every" : 2,
                          "norm_topk_prob" : true,
                          "router_aux_loss_coef" : 0.01,
                          "router_z_loss_coef" : 0.001,
                          "capacity_factor" : 1.25,
                          "activation_function" : "gelu_new",
                          "tie_word_embeddings" : true,
                          "torch_dtype" : "float32"
                        }"""
                                .stripIndent());
    }

    private void replaceConfig(String from, String to) throws IOException {
        Path config = folder.resolve("m/config.json");
        String text = Files.readString(config).replace(from, to);
        Files.writeString(config, text);
        Path file = folder.resolve("m/manifest.json");
        Manifest old = Manifest.parse(Files.readAllBytes(file));
        var files = new TreeMap<>(old.files());
        files.put("config.json", new Manifest.Entry(text.length(), DigestUtils.sha256Hex(text.getBytes())));
        Files.write(file, new Manifest(1, old.parameters(), files, old.lineage()).toJson());
    }
}
