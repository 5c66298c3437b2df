package dev.uncurl.torch;

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * The same model in libtorch, as a process: program {@code dev.uncurl.peer.Peer} of module lib/peer, whose Javadoc tells
 * the commands. Profile {@code peer} builds it and sets {@value #PROPERTY}. The process runs with the settings that
 * made libtorch fastest: memory kept instead of returned to the system after each tensor, and threads that wait
 * without spinning.
 */
public final class TorchPeer implements AutoCloseable {
    /** System property with the folder of the built program. */
    public static final String PROPERTY = "uncurl.peer";

    private final Process process;
    private final BufferedReader out;
    private final PrintStream in;
    private final Path folder;
    private final String banner;

    private TorchPeer(Process process, Path folder) throws IOException {
        this.process = process;
        this.folder = folder;
        out = process.inputReader(StandardCharsets.UTF_8);
        in = new PrintStream(process.getOutputStream(), true, StandardCharsets.UTF_8);
        banner = line("ready");
    }

    /** Whether profile {@code peer} is on. */
    public static boolean isPresent() {
        return System.getProperty(PROPERTY) != null;
    }

    /** @param threads of libtorch and its BLAS */
    public static TorchPeer start(int threads) throws IOException {
        if (!isPresent()) {
            throw new IllegalStateException("The libtorch peer was not built: run Maven with -Ppeer");
        }
        var program = Path.of(System.getProperty(PROPERTY));
        String classPath = program.resolve("classes")
                + File.pathSeparator
                + Files.readString(program.resolve("classpath")).strip();
        var builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx2g",
                // what libtorch takes is not counted against JavaCPP's limits
                "-Dorg.bytedeco.javacpp.maxbytes=0",
                "-Dorg.bytedeco.javacpp.maxphysicalbytes=0",
                "-cp",
                classPath,
                "dev.uncurl.peer.Peer");
        builder.environment()
                .putAll(Map.of(
                        "OMP_NUM_THREADS", Integer.toString(threads),
                        "OPENBLAS_NUM_THREADS", Integer.toString(threads),
                        "OMP_WAIT_POLICY", "passive",
                        "MALLOC_MMAP_MAX_", "0",
                        "MALLOC_TRIM_THRESHOLD_", Long.toString(16L << 30),
                        "MALLOC_TOP_PAD_", Long.toString(256L << 20),
                        "MALLOC_ARENA_MAX", "1"));
        builder.redirectError(ProcessBuilder.Redirect.INHERIT);
        return new TorchPeer(builder.start(), Files.createTempDirectory("uncurl-peer"));
    }

    /** Threads and instruction set, as libtorch tells them. */
    public String banner() {
        return banner;
    }

    /** What the peer answers to {@code gradient}, {@code weights} or {@code losses}. */
    public byte[] answer(String command, TorchRequest request) throws IOException {
        Path asked = folder.resolve("request");
        Path answered = folder.resolve("answer");
        request.write(asked);
        ask(command + " " + asked + " " + answered, "done");
        return Files.readAllBytes(answered);
    }

    /** What the peer answers to {@code likelihoods}. @param sequences a file as its class Likelihoods reads it */
    byte[] likelihoods(TorchRequest request, byte[] sequences) throws IOException {
        Path asked = folder.resolve("request");
        Path answered = folder.resolve("answer");
        Path tokens = folder.resolve("sequences");
        request.write(asked);
        Files.write(tokens, sequences);
        ask("likelihoods " + asked + " " + tokens + " " + answered, "done");
        return Files.readAllBytes(answered);
    }

    /** Gives the peer a model to time; it takes the place of the one before. */
    public void load(TorchRequest request) throws IOException {
        Path asked = folder.resolve("request");
        request.write(asked);
        ask("load " + asked, "done");
    }

    /** Milliseconds of each of {@code count} training steps: forward, backward, clipping, AdamW. */
    public double[] train(int count) throws IOException {
        return milliseconds("train " + count);
    }

    /** Milliseconds of each of {@code count} forward passes without a graph. */
    public double[] score(int count) throws IOException {
        return milliseconds("score " + count);
    }

    private double[] milliseconds(String command) throws IOException {
        String[] words = ask(command, "ms").split(" ");
        return Arrays.stream(words).skip(1).mapToDouble(Double::parseDouble).toArray();
    }

    private String ask(String command, String expected) throws IOException {
        in.println(command);
        return line(expected);
    }

    private String line(String expected) throws IOException {
        String line = out.readLine();
        if (line == null || !line.startsWith(expected)) {
            process.destroy();
            throw new IOException("The libtorch peer said " + line + " where '" + expected
                    + "' was due; its standard error, above, tells why");
        }
        return line;
    }

    /** Ends the process and removes its files. */
    @Override
    public void close() throws IOException {
        in.println("quit");
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            process.destroy();
            Thread.currentThread().interrupt();
        }
        for (String name : List.of("request", "answer", "sequences")) {
            Files.deleteIfExists(folder.resolve(name));
        }
        Files.delete(folder);
    }

    /** An answer from its beginning, once it is known to be one to this request. */
    static DataInputStream checked(byte[] answer, TorchRequest request, String otherwise) throws IOException {
        var in = new DataInputStream(new ByteArrayInputStream(answer));
        if (in.readLong() != request.checksum()) {
            throw new IOException(otherwise);
        }
        return in;
    }
}
