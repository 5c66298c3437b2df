package dev.uncurl.jobs.output;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OutputFileTest {
    private static final byte[] PAGE = "page".getBytes(StandardCharsets.UTF_8);

    @TempDir
    private Path folder;

    private static void write(Path path) throws IOException {
        OutputFile.of("--out", path).write(PAGE);
    }

    private void assertOnly(String... names) throws IOException {
        try (var files = Files.list(folder)) {
            assertThat(files.map(file -> file.getFileName().toString())).containsExactlyInAnyOrder(names);
        }
    }

    private static String permissions(Path file) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
    }

    @Test
    void aNewFileHasThePermissionsOfAnyNewFile() throws IOException {
        Path page = folder.resolve("page.html");
        write(page);
        assertThat(page).hasBinaryContent(PAGE);
        assertThat(permissions(page)).isEqualTo(permissions(Files.createFile(folder.resolve("other"))));
        assertOnly("page.html", "other");
    }

    @Test
    void aFileThatWasThereKeepsItsPermissions() throws IOException {
        Path page = Files.writeString(folder.resolve("page.html"), "something longer than the page");
        Files.setPosixFilePermissions(page, PosixFilePermissions.fromString("rw-r-x--x"));
        write(page);
        assertThat(page).hasBinaryContent(PAGE);
        assertThat(permissions(page)).isEqualTo("rw-r-x--x");
        assertOnly("page.html");
    }

    @Test
    void aChainOfLinksIsWrittenThrough() throws IOException {
        Path inner = Files.createDirectory(folder.resolve("inner folder"));
        Path page = Files.writeString(inner.resolve("page.html"), "old");
        Path second = Files.createSymbolicLink(inner.resolve("second"), Path.of("page.html"));
        Path first = Files.createSymbolicLink(folder.resolve("first"), Path.of("inner folder/second"));
        write(first);
        assertThat(page).hasBinaryContent(PAGE).isRegularFile();
        assertThat(first).isSymbolicLink();
        assertThat(second).isSymbolicLink();
        assertOnly("inner folder", "first");
    }

    @Test
    void aLinkToAFileThatIsNotThereMakesIt() throws IOException {
        Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of("new.html"));
        write(link);
        assertThat(link).isSymbolicLink();
        assertThat(folder.resolve("new.html")).hasBinaryContent(PAGE);
    }

    @Test
    void whatIsNoRegularFileStaysAsItIs() throws IOException, InterruptedException {
        Path pipe = folder.resolve("pipe");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor())
                .isZero();
        Path toPipe = Files.createSymbolicLink(folder.resolve("to-pipe"), pipe);
        Path loop = Files.createSymbolicLink(folder.resolve("loop"), Path.of("loop"));
        for (Path path : new Path[] {pipe, toPipe, loop, folder, folder.resolve("missing/page.html"), Path.of("")}) {
            assertThatThrownBy(() -> write(path))
                    .as(path.toString())
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("cannot be written")
                    .hasMessageContaining("--out");
        }
        assertThat(Files.readAttributes(pipe, java.nio.file.attribute.BasicFileAttributes.class)
                        .isOther())
                .isTrue();
        assertOnly("pipe", "to-pipe", "loop");
    }
}
