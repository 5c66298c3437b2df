package dev.uncurl.kernel.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What {@code lib/gpu-check} compares, of a few scenarios on an emulated GPU. */
@Tag("slow")
class GpuCheckTest {
    @TempDir
    private Path folder;

    @BeforeEach
    void begin() {
        EmulatedGpu.reset();
    }

    private Map<String, double[]> recorded(String prefix) throws Exception {
        Path file = folder.resolve("answers");
        RecordedAnswers.write(RecordedAnswers.compute(prefix), file);
        return RecordedAnswers.read(file);
    }

    private boolean check(Map<String, double[]> answers, CudaDevice.Precision precision, String prefix)
            throws Exception {
        try (var device = StandIn.open(CudaDevice.source(), precision)) {
            return GpuCheck.check(answers, device, precision, prefix, new CheckTable(folder));
        }
    }

    @ParameterizedTest
    @EnumSource
    void anEmulatedGpuAgreesInEveryPrecision(CudaDevice.Precision precision) throws Exception {
        assertThat(check(recorded("gelu"), precision, "gelu")).isTrue();
        assertThat(new CheckTable(folder).rows()).singleElement().satisfies(row -> {
            assertThat(row.part()).isEqualTo(precision.toString());
            assertThat(row.what()).isEqualTo("gelu: off by");
            assertThat(row.note()).startsWith("ok, ");
        });
    }

    @Test
    void aModelAgrees() throws Exception {
        assertThat(check(recorded("model dense"), CudaDevice.Precision.FP32, "model dense"))
                .isTrue();
        assertThat(new CheckTable(folder).rows()).hasSizeGreaterThan(3).allMatch(row -> row.note()
                .equals("ok, 1"));
    }

    /** A difference within the tolerance does not. */
    @ParameterizedTest
    @CsvSource({"0.1, true", "1e-9, false"})
    void anAnswerThatIsNotThatOfTheCpuFails(double change, boolean found) throws Exception {
        Map<String, double[]> answers = recorded("bias");
        double[] one = answers.values().iterator().next();
        for (int i = 0; i < one.length; i++) {
            one[i] *= 1 + change;
        }
        assertThat(check(answers, CudaDevice.Precision.FP32, "bias")).isEqualTo(!found);
        assertThat(new CheckTable(folder).rows()).singleElement().satisfies(row -> assertThat(row.note())
                .startsWith(found ? "FAILED: 1 of " : "ok, "));
    }
}
