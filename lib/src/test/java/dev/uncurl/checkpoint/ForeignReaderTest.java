package dev.uncurl.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.util.passthrough.PassthroughNDManager;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.uncurl.model.WeightArrays;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Another project's safetensors reader, that of Deep Java Library, and our model folders. */
class ForeignReaderTest {
    private static final ModelConfig CONFIG =
            new ModelConfig(2, 8, 2, 12, 23, 6, new MoeConfig(3, 1, 2, false, 0.01, 0.001));

    @Test
    void findsTheSameTensorsByTheIndexWithTheSameShapesAndBits(@TempDir Path folder) throws IOException {
        float[] parameters = WeightArrays.initial(CONFIG, 3);
        var lineage = Lineage.here(null, "pretrain", Map.of(), "pretrain", "none");
        var target = new org.apache.hadoop.fs.Path(folder.resolve("m").toUri());
        ModelFolder model = ModelFolder.write(
                FileSystem.getLocal(new Configuration()), target, CONFIG, WeightArrays.of(CONFIG, parameters), lineage);

        var fileOf = new TreeMap<String, String>();
        new ObjectMapper()
                .readTree(folder.resolve("m/model.safetensors.index.json").toFile())
                .get("weight_map")
                .fields()
                .forEachRemaining(
                        entry -> fileOf.put(entry.getKey(), entry.getValue().asText()));
        assertThat(fileOf).hasSize(model.layout().tensors().size());
        var read = new TreeMap<String, NDList>();
        for (String file : fileOf.values()) {
            read.computeIfAbsent(file, name -> decode(folder.resolve("m").resolve(name)));
        }
        assertThat(read.values().stream().mapToInt(NDList::size).sum()).isEqualTo(fileOf.size());
        for (var tensor : model.layout().tensors()) {
            NDArray array = read.get(fileOf.get(tensor.name())).get(tensor.name());
            assertThat(array.getDataType()).isEqualTo(DataType.FLOAT32);
            assertThat(Arrays.stream(array.getShape().getShape()).mapToInt(Math::toIntExact))
                    .as(tensor.name())
                    .containsExactlyElementsOf(tensor.shape());
            float[] values = new float[(int) tensor.length()];
            ByteBuffer bytes = array.toByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
            bytes.asFloatBuffer().get(values);
            int from = (int) tensor.offset();
            assertThat(values).containsExactly(Arrays.copyOfRange(parameters, from, from + values.length));
        }
    }

    private static NDList decode(Path file) {
        try {
            return NDList.decode(PassthroughNDManager.INSTANCE, Files.readAllBytes(file));
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
