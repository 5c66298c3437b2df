package dev.uncurl.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.uncurl.error.UserError;
import dev.uncurl.model.WeightArrays;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.model.spec.MoeLayer;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Folders of models whose blocks differ in experts, or whose routers are mapped. */
class ByLayerFolderTest {
    private static final org.apache.hadoop.fs.Path FILE = new org.apache.hadoop.fs.Path("/m/config.json");

    private static ModelConfig config(int topK, MoeLayer... layers) {
        var byLayer = new TreeMap<Integer, MoeLayer>();
        IntStream.range(0, layers.length).forEach(i -> byLayer.put(2 * i + 1, layers[i]));
        var plain = new ModelConfig(2 * layers.length + 1, 4, 2, 8, 11, 6, new MoeConfig(9, topK, 2, true, 0.01, 0));
        return plain.withMoeLayers(byLayer);
    }

    private static final ModelConfig CONFIG = config(2, new MoeLayer(2, List.of(0, 1, 0, 1)), new MoeLayer(3));

    private static ModelConfig read(String json) throws IOException {
        return ConfigJson.read(FILE, json.getBytes(StandardCharsets.UTF_8));
    }

    @Property(tries = 300)
    void theConfigComesBackWhateverItsBlocksAre(@ForAll long seed) throws IOException {
        var random = new Random(seed);
        MoeLayer[] layers = Stream.generate(() -> layer(random))
                .limit(1 + random.nextInt(3))
                .toArray(MoeLayer[]::new);
        ModelConfig config = config(1 + random.nextInt(9), layers);
        byte[] json = ConfigJson.write(config);
        assertThat(ConfigJson.read(FILE, json)).isEqualTo(config);
        assertThat(Shards.of(ConfigJson.read(FILE, json)).layout().tensors())
                .isEqualTo(ParameterLayout.of(config).tensors());
        boolean plain = Stream.of(layers).distinct().count() == 1 && !layers[0].isMapped();
        assertThat(new ObjectMapper().readTree(json).path("model_type").asText().equals(ConfigJson.MODEL_TYPE))
                .isEqualTo(plain);
    }

    private static MoeLayer layer(Random random) {
        int experts = 1 + random.nextInt(4);
        if (random.nextBoolean()) {
            return new MoeLayer(experts);
        }
        var map = new java.util.ArrayList<>(
                IntStream.concat(IntStream.range(0, experts), random.ints(random.nextInt(4), 0, experts))
                        .boxed()
                        .toList());
        int dropped = random.nextBoolean() ? MoeLayer.MASKED : MoeLayer.ZEROED;
        Stream.generate(() -> dropped).limit(random.nextInt(3)).forEach(map::add);
        java.util.Collections.shuffle(map, random);
        return new MoeLayer(experts, map);
    }

    /** A reader that knows uniform models alone looks at the type first, and builds from a number of experts. */
    @Test
    void neitherTheTypeNorTheNumberOfExpertsIsThatOfAPlainModel() throws IOException {
        var json = new ObjectMapper().readTree(ConfigJson.write(CONFIG));
        assertThat(json.get("model_type").asText()).isEqualTo("uncurl-smoe-gpt2-by-layer");
        assertThat(json.get("num_local_experts").toString()).isEqualTo("[0,2,0,3,0]");
        assertThat(json.get("router_map").toString()).isEqualTo("{\"1\":[0,1,0,1]}");
    }

    @Test
    void aModelComesBackBitForBitAndItsTensorsAreThoseOfItsBlocks(@TempDir Path folder) throws IOException {
        FileSystem fs = FileSystem.getLocal(new Configuration());
        var target = new org.apache.hadoop.fs.Path(folder.resolve("m").toUri());
        float[] parameters = WeightArrays.initial(CONFIG, 3);
        ModelFolder.write(
                fs,
                target,
                CONFIG,
                WeightArrays.of(CONFIG, parameters),
                Lineage.here(null, "prune", Map.of(), "prune", "none"));
        ModelFolder model = ModelFolder.open(fs, target);
        model.verify();
        assertThat(model.config()).isEqualTo(CONFIG);
        assertThat(WeightArrays.array(CONFIG, model)).containsExactly(parameters);
        assertThat(model.layout().tensor("h.1.moe.router.weight").shape()).containsExactly(4, 4);
        assertThat(model.layout().tensor("h.3.moe.router.weight").shape()).containsExactly(3, 4);
        assertThat(model.layout().tensors().stream().map(ParameterLayout.Tensor::name))
                .contains("h.1.moe.experts.1.c_fc.bias", "h.3.moe.experts.2.c_fc.bias")
                .doesNotContain("h.1.moe.experts.2.c_fc.bias", "h.3.moe.experts.3.c_fc.bias");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "[ 0, 1, 0, 1 ] | [ 0, 1, 0, 2 ] | block 1: router-map = [0, 1, 0, 2] is not possible",
                "[ 0, 1, 0, 1 ] | [ 0, 1, 0, -3 ] | block 1: router-map = [0, 1, 0, -3] is not possible",
                "[ 0, 1, 0, 1 ] | [ -2, 1, 0, -1 ] | block 1: router-map = [-2, 1, 0, -1] is not possible",
                "[ 0, 1, 0, 1 ] | [ 0, -1, 0, -1 ] | block 1: router-map = [0, -1, 0, -1] is not possible",
                "[ 0, 1, 0, 1 ] | [ 0, 0, 0, 0 ] | block 1: router-map = [0, 0, 0, 0] is not possible",
                "[ 0, 1, 0, 1 ] | [ 0, 1.5 ] | 1 is [0,1.5], but should be a list of whole numbers",
                "[ 0, 1, 0, 1 ] | 7 | 1 is 7, but should be a list of whole numbers",
                "'\"1\" : [' | '\"0\" : [' | router_map is {\"0\":[0,1,0,1]}, but should be an object with keys of blocks with experts only",
                "'\"1\" : [' | '\"9\" : [' | router_map is {\"9\":[0,1,0,1]}, but should be an object with keys of blocks with experts only",
                "router_map | router_mop | router_map is missing",
                "[ 0, 2, 0, 3, 0 ] | [ 0, 2, 0, 3 ] | num_local_experts is [0,2,0,3], but should be a number for each",
                "[ 0, 2, 0, 3, 0 ] | [ 0, 0, 0, 0, 0 ] | num_local_experts is [0,0,0,0,0], but should be a number for each",
                "[ 0, 2, 0, 3, 0 ] | [ 3, 2, 0, 3, 0 ] | moe.by-layer = [0, 1, 3] is not possible",
                "[ 0, 2, 0, 3, 0 ] | [ 0, 2, 0, 0, 0 ] | moe.by-layer = [1] is not possible",
                "[ 0, 2, 0, 3, 0 ] | [ 0, 2, 0, -3, 0 ] | block 3: experts = -3 is not possible",
                "[ 0, 2, 0, 3, 0 ] | 3 | num_local_experts is 3, but should be a list of whole numbers",
                "-by-layer | '' | num_local_experts is [0,2,0,3,0], but should be a whole number",
                "-by-layer | -mapped | model_type is \"uncurl-smoe-gpt2-mapped\"",
            })
    void aDamagedConfigIsRefusedByFileAndPlace(String from, String to, String message) throws IOException {
        String json = new String(ConfigJson.write(CONFIG), StandardCharsets.UTF_8);
        assertThat(json).contains(from);
        assertThatThrownBy(() -> read(json.replace(from, to)))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("/m/config.json: " + message)
                .extracting(e -> ((UserError) e).kind())
                .isEqualTo(UserError.Kind.INPUT);
    }

    @Test
    void aUniformModelDescribedByLayerIsRefused() throws IOException {
        String json = new String(ConfigJson.write(CONFIG), StandardCharsets.UTF_8)
                .replace("[ 0, 2, 0, 3, 0 ]", "[ 0, 3, 0, 3, 0 ]")
                .replace("\"1\" : [ 0, 1, 0, 1 ]", "");
        assertThatThrownBy(() -> read(json)).isInstanceOf(UserError.class).hasMessageContaining("alike and unmapped");
    }
}
