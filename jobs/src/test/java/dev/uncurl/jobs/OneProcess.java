package dev.uncurl.jobs;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;

/** A {@link CommandLoop} that jobs/submit started: its line of spark-submit, its settings and the packaged jar. */
final class OneProcess implements AutoCloseable {
    private static final String MAIN = CommandLoop.class.getName();

    private final Process process;
    private final BufferedReader out;
    private final Path err;

    /** @param folder where the commands run, prepared by {@link Submit} */
    OneProcess(Path folder) throws IOException {
        Path jar = folder.resolve("command-loop.jar");
        pack(jar);
        err = folder.resolve("command-loop.err");
        process = new ProcessBuilder("jobs/submit", "--class", MAIN, "--jars", jar.toString(), "--", "loop")
                .directory(folder.toFile())
                .redirectError(err.toFile())
                .start();
        out = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    private static void pack(Path jar) throws IOException {
        String entry = MAIN.replace('.', '/') + ".class";
        try (var target = new JarOutputStream(Files.newOutputStream(jar));
                InputStream main = OneProcess.class.getClassLoader().getResourceAsStream(entry)) {
            target.putNextEntry(new JarEntry(entry));
            main.transferTo(target);
        }
    }

    /**
     * Runs a command.
     *
     * @param words the words after jobs/submit
     */
    Submit.Outcome run(List<String> words) throws IOException {
        long before = Files.size(err);
        OutputStream in = process.getOutputStream();
        in.write((new JsonMapper().writeValueAsString(words) + "\n").getBytes(StandardCharsets.UTF_8));
        in.flush();
        var printed = new StringBuilder();
        for (String line = out.readLine(); line != null; line = out.readLine()) {
            if (line.startsWith(CommandLoop.END)) {
                return new Submit.Outcome(
                        Integer.parseInt(line.substring(CommandLoop.END.length())), printed.toString(), errors(before));
            }
            printed.append(line).append('\n');
        }
        throw new AssertionError("The process ended within " + words + "\n" + printed + errors(0));
    }

    private String errors(long from) throws IOException {
        byte[] all = Files.readAllBytes(err);
        return new String(all, (int) from, (int) (all.length - from), StandardCharsets.UTF_8);
    }

    @Override
    public void close() throws IOException {
        process.getOutputStream().close();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
