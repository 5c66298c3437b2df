package dev.uncurl.kernel.device;

import dev.uncurl.kernel.nd4j.Nd4jKernels;
import dev.uncurl.kernel.vector.VectorKernels;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * The CPU's answers, by the name of the scenario: of operations those of plain ND4J in double precision, of models those of the fused
 * kernels.
 */
final class RecordedAnswers {
    private RecordedAnswers() {}

    /** Answers to the scenarios and models whose names begin with {@code prefix}. */
    static Map<String, double[]> compute(String prefix) {
        Map<String, double[]> answers = new LinkedHashMap<>();
        KernelScenarios.all().forEach((name, scenario) -> {
            if (name.startsWith(prefix)) {
                answers.put(name, KernelScenarios.run(scenario, new Nd4jKernels(), DataType.DOUBLE));
            }
        });
        ModelRun.configs().forEach((name, config) -> {
            if (ofModel(name).startsWith(prefix)) {
                try (var kernels = new VectorKernels();
                        var run = new ModelRun(kernels, config)) {
                    run.answers().forEach((what, values) -> answers.put(ofModel(name) + ": " + what, values));
                }
            }
        });
        return answers;
    }

    /** The name of a model's answers, before what they are of. */
    static String ofModel(String name) {
        return "model " + name;
    }

    /** Writes answers as 32-bit floats. */
    static void write(Map<String, double[]> answers, Path file) throws IOException {
        try (var out = new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(file)))) {
            out.writeInt(answers.size());
            for (var entry : answers.entrySet()) {
                out.writeUTF(entry.getKey());
                out.writeInt(entry.getValue().length);
                for (double value : entry.getValue()) {
                    out.writeFloat((float) value);
                }
            }
        }
    }

    static Map<String, double[]> read(Path file) throws IOException {
        Map<String, double[]> answers = new LinkedHashMap<>();
        try (var in = new DataInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
            int count = in.readInt();
            for (int i = 0; i < count; i++) {
                String name = in.readUTF();
                double[] values = new double[in.readInt()];
                for (int j = 0; j < values.length; j++) {
                    values[j] = in.readFloat();
                }
                answers.put(name, values);
            }
        }
        return answers;
    }
}
