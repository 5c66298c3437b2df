package dev.uncurl.jobs.output;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.jobs.Uncurl;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.channels.Channels;
import java.nio.channels.Pipe;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class StandardOutputTest {
    private final PrintStream out = System.out;
    private final PrintStream err = System.err;
    private final ByteArrayOutputStream seen = new ByteArrayOutputStream();

    @AfterEach
    void putBack() {
        System.setOut(out);
        System.setErr(err);
    }

    private static OutputStream failing(String message, AtomicInteger writes) {
        return new OutputStream() {
            @Override
            public void write(int value) throws IOException {
                writes.incrementAndGet();
                throw new IOException(message);
            }

            @Override
            public void write(byte[] bytes, int offset, int length) throws IOException {
                write(0);
            }
        };
    }

    private int run(String message, String... arguments) {
        return run(failing(message, new AtomicInteger()), arguments);
    }

    private int run(OutputStream target, String... arguments) {
        System.setOut(StandardOutput.to(target));
        System.setErr(new PrintStream(seen, true, StandardCharsets.UTF_8));
        return Uncurl.commandLine().execute(arguments);
    }

    /** Else a line of the errors could stand within one of the output, where both go to one file. */
    @Test
    void aCallIsOneWrite() {
        var writes = new ArrayList<String>();
        PrintStream stream = StandardOutput.to(new OutputStream() {
            @Override
            public void write(int value) {
                writes.add(String.valueOf((char) value));
            }

            @Override
            public void write(byte[] bytes, int offset, int length) {
                writes.add(new String(bytes, offset, length, StandardCharsets.UTF_8));
            }
        });
        stream.printf("%s: a rank was lost (%s), restart %d of %d%n", "train", "exit 137", 1, 20);
        stream.printf(Locale.ROOT, "%.1f and %s%n", 0.5, "µ");
        stream.println("a line");
        stream.println((Object) List.of(1, 2));
        stream.println();
        stream.print("no end");
        assertThat(writes)
                .containsExactly(
                        "train: a rank was lost (exit 137), restart 1 of 20\n",
                        "0.5 and µ\n",
                        "a line\n",
                        "[1, 2]\n",
                        "\n",
                        "no end");
    }

    @Test
    void everyWayOfPrintingFailsAtTheFirstWriteThatFails() {
        var writes = new AtomicInteger();
        PrintStream stream = StandardOutput.to(failing("No space left on device", writes));
        assertThatThrownBy(() -> stream.println("x")).isInstanceOf(StandardOutput.Failure.class);
        assertThatThrownBy(() -> stream.printf("%d%n", 1)).isInstanceOf(StandardOutput.Failure.class);
        assertThatThrownBy(() -> stream.print("x".repeat(100_000))).isInstanceOf(StandardOutput.Failure.class);
        assertThat(writes.get()).isGreaterThanOrEqualTo(3);
    }

    @Test
    void textIsUtf8() {
        StandardOutput.to(seen).println("Å∞語");
        assertThat(seen.toString(StandardCharsets.UTF_8)).isEqualTo("Å∞語" + System.lineSeparator());
    }

    @Test
    void aFullDiskUnderTheOutputFailsTheCommandWithAMessage() {
        assertThat(run(
                        "No space left on device",
                        "pretrain",
                        "--model",
                        "x",
                        "--config",
                        "train/demo-pretrain",
                        "--print-config"))
                .isEqualTo(3);
        assertThat(seen.toString(StandardCharsets.UTF_8))
                .contains("Standard output cannot be written: No space left on device")
                .hasLineCount(2);
    }

    @Test
    void evenTheHelpIsNotLostSilently() {
        assertThat(run("No space left on device", "--help")).isEqualTo(3);
        assertThat(run("No space left on device", "sql", "--help")).isEqualTo(3);
    }

    @Test
    void aReaderThatGoesAwayEndsTheCommandQuietlyInEveryLanguage() throws IOException {
        Pipe pipe = Pipe.open();
        pipe.source().close();
        assertThat(run(
                        Channels.newOutputStream(pipe.sink()),
                        "pretrain",
                        "--model",
                        "x",
                        "--config",
                        "train/demo-pretrain",
                        "--print-config"))
                .isEqualTo(StandardOutput.READER_GONE);
        assertThat(seen.size()).isZero();
    }
}
