package dev.uncurl.checkpoint;

import dev.uncurl.model.WeightArrays;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A small model of any bits, and a folder for it. */
abstract class ModelFolderFixture {
    static final ModelConfig CONFIG =
            new ModelConfig(3, 4, 2, 8, 11, 6, new MoeConfig(3, 2, 2, true, 0.01, 0.001, 1.25));
    static final Lineage LINEAGE = Lineage.here("parent", "finetune", Map.of("seed", "7"), "uncurl finetune", "none");

    @TempDir
    Path folder;

    FileSystem fs;
    float[] parameters;

    @BeforeEach
    void model() throws IOException {
        fs = FileSystem.getLocal(new Configuration());
        int length = (int) ParameterLayout.of(CONFIG).length();
        parameters = new float[length];
        var random = new Random(1);
        for (int i = 0; i < length; i++) {
            int bits = random.nextInt(0x7f000000); // any finite value
            parameters[i] = Float.intBitsToFloat(random.nextBoolean() ? bits : bits | 0x80000000);
        }
    }

    static org.apache.hadoop.fs.Path hadoop(Path path) {
        return new org.apache.hadoop.fs.Path(path.toUri());
    }

    ModelFolder write(String name) throws IOException {
        return ModelFolder.write(
                fs, hadoop(folder.resolve(name)), CONFIG, WeightArrays.of(CONFIG, parameters), LINEAGE);
    }

    ModelFolder open(String name) throws IOException {
        return ModelFolder.open(fs, hadoop(folder.resolve(name)));
    }

    List<String> listing(Path dir) throws IOException {
        try (var files = Files.list(dir)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }
}
