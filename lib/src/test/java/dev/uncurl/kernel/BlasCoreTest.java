package dev.uncurl.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

class BlasCoreTest {
    private static final String VARIABLE = "OPENBLAS_CORETYPE";

    /** In this process: Maven names a core, so that tests round alike on all machines. */
    @Test
    void openBlasUsesTheCoreThatTheEnvironmentNames() {
        assertThat(BlasCore.inUse()).matches("[A-Za-z0-9_]+").isNotEqualTo("unknown");
        String named = System.getenv(VARIABLE);
        if (named != null) {
            assertThat(BlasCore.inUse()).isEqualToIgnoringCase(named);
        }
    }

    @ParameterizedTest
    @CsvSource({"SkylakeX, true", "Cooperlake, true", "SapphireRapids, true", "Haswell, false", "Zen, false"})
    void coresWithVectorsOf512BitsAreKnown(String core, boolean wide) {
        assertThat(BlasCore.isAvx512(core)).isEqualTo(wide);
    }

    /**
     * An OpenBLAS that does not know a processor computes by kernels of an old one, at a fraction of the speed. Its file is deleted
     * in between, as when a program with another OpenBLAS puts its own in the place.
     */
    @Test
    @Tag("slow")
    void withoutTheVariableOpenBlasUsesTheWidestVectorsOfThisProcessor(@TempDir Path cache) throws Exception {
        var builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-Dorg.bytedeco.javacpp.cachedir=" + cache,
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                cache.toString());
        builder.environment().remove(VARIABLE);
        Process process = builder.redirectError(ProcessBuilder.Redirect.INHERIT).start();
        String said = new String(process.getInputStream().readAllBytes());
        assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
        // OpenBLAS prints that it frees memory which it does not know if calls go to two copies of it
        assertThat(said.lines()).singleElement().asString().matches("[A-Za-z0-9]+");
        String core = said.strip();
        Set<String> flags = Set.of();
        for (String line : Files.readAllLines(Path.of("/proc/cpuinfo"))) {
            if (line.startsWith("flags")) {
                flags = Set.copyOf(Arrays.asList(
                        line.substring(line.indexOf(':') + 1).strip().split("\\s+")));
                break;
            }
        }
        if (flags.contains("avx512bw")) {
            assertThat(BlasCore.isAvx512(core)).as(core).isTrue();
        } else if (flags.contains("avx2")) {
            assertThat(core).isIn("Haswell", "Zen", "Excavator");
        }
    }

    /** Loads OpenBLAS and deletes its files, prints the core, and then multiplies, in a process of its own. */
    static final class Main {
        private Main() {}

        public static void main(String[] arguments) throws IOException {
            Nd4j.getBlasWrapper();
            try (Stream<Path> files = Files.walk(Path.of(arguments[0]))) {
                for (Path file : files.filter(file -> !Files.isDirectory(file)).toList()) {
                    Files.delete(file);
                }
            }
            System.out.println(BlasCore.inUse());
            var a = Nd4j.ones(DataType.DOUBLE, 150, 1100);
            Nd4j.matmul(a, a, false, true, false);
        }
    }

    @Test
    void aSystemThatIsTooOldIsNamedWithTheRemedy() {
        var missing = new UnsatisfiedLinkError("/lib64/libc.so.6: version `GLIBC_2.34' not found");
        assertThatThrownBy(() -> BlasCore.load(() -> {
                    throw new ExceptionInInitializerError(new RuntimeException(missing));
                }))
                .isInstanceOf(UserError.class)
                .hasMessageContainingAll("GLIBC_2.34' not found", "RHEL 9", "-Dopenblas.version=");
        var other = new UnsatisfiedLinkError("no jniopenblas in java.library.path");
        assertThatThrownBy(() -> BlasCore.load(() -> {
                    throw other;
                }))
                .isSameAs(other);
    }
}
