package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.jar.JarFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The application without the jars that a cluster has installed. */
class ThinJarIT {
    private static final Path THIN = Path.of("target/uncurl-thin.jar");

    @Test
    void theThinJarHasThisProgramAloneAndIsSmall() throws IOException {
        var packages = new TreeSet<String>();
        try (var jar = new JarFile(THIN.toFile())) {
            jar.stream().map(entry -> entry.getName().replaceFirst("/.*", "")).forEach(packages::add);
            assertThat(jar.getEntry("schemas/models.registry.sql")).isNotNull();
            assertThat(jar.getEntry("conf/spark/standalone.conf")).isNotNull();
        }
        assertThat(packages).contains("dev", "conf", "schemas").doesNotContain("org", "com", "picocli");
        assertThat(Files.size(THIN)).isLessThan(5 << 20);
    }

    @Test
    void aCommandRunsWithTheOtherJarsInAFolder(@TempDir Path folder) throws IOException, InterruptedException {
        Path libs = Files.createDirectory(folder.resolve("libs"));
        for (String jar :
                Files.readString(Path.of("target/libs.classpath")).strip().split(":")) {
            Path file = Path.of(jar);
            Files.createSymbolicLink(libs.resolve(file.getFileName()), file);
        }
        var submit = new Submit(Files.createDirectory(folder.resolve("checkout")));
        String command = "jobs/submit sql \"SELECT count(*) AS models FROM models.registry\"";
        Submit.Outcome outcome = submit.run(command, Map.of("UNCURL_LIBS", libs.toString()));
        assertThat(outcome.code()).as(outcome.out() + outcome.err()).isZero();
        assertThat(outcome.err()).contains("uncurl-thin.jar", "spark.executor.extraClassPath=" + libs);
        assertThat(outcome.out()).contains("models", "0");
        Path empty = Files.createDirectory(folder.resolve("empty"));
        Submit.Outcome refused = submit.run(command, Map.of("UNCURL_LIBS", empty.toString()));
        assertThat(List.of(refused.code(), refused.out())).isEqualTo(List.of(2, ""));
        assertThat(refused.err()).contains("has no nd4j-api jar", "jobs/target/libs.classpath");
    }
}
