package dev.uncurl.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;

class RecordedCommandTest {
    /** The words that a shell makes of the line. */
    private static List<String> words(String line) throws IOException {
        Process shell =
                new ProcessBuilder("bash", "-c", line.replaceFirst("jobs/submit ", "printf '%s\\\\0' ")).start();
        String out = new String(shell.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return List.of(out.split("\0", -1)).subList(0, out.split("\0", -1).length - 1);
    }

    @Property(tries = 20)
    void aShellGivesTheArgumentsBack(
            @ForAll @Size(min = 1, max = 4) List<@StringLength(max = 8) @CharRange(from = ' ', to = '~') String> values)
            throws IOException {
        var arguments = new ArrayList<>(List.of("sql", "--warehouse", "w h"));
        values.forEach(value -> arguments.add("x" + value.replace(":", "").replace("=", "")));
        assertThat(words(RecordedCommand.of(arguments))).isEqualTo(arguments);
    }

    @Test
    void theWarehouseIsNamedEvenByDefault() {
        assertThat(RecordedCommand.of(
                        List.of("pretrain", "--model", "m", "--config", "a b.conf", "--set", "train.tokens=5")))
                .isEqualTo(
                        "jobs/submit pretrain --model m --config 'a b.conf' --set train.tokens=5 --warehouse warehouse");
    }

    @Test
    void secretsAreMasked() {
        String line = RecordedCommand.of(List.of(
                "tokenize",
                "--warehouse",
                "s3a://AKIA:hush@bucket/w",
                "--set",
                "fs.s3a.secret.key=hush",
                "--set",
                "corpora.0.paths=[\"https://h/f?sig=hush&x=1\"]",
                "--set",
                "password=hush"));
        assertThat(line).doesNotContain("hush").contains("://***@bucket/w").contains("x=1");
    }
}
