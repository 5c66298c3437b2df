package dev.uncurl.jobs;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.uncurl.jobs.output.StandardOutput;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * A main class that runs many commands one after another in one process, so that Java and Spark start once. Standard input
 * has a command a line, its words as a JSON array; standard output has what the command printed, then {@link #END} and its
 * exit code.
 */
public final class CommandLoop {
    static final String END = "\u0004 exit ";

    private CommandLoop() {}

    public static void main(String[] none) throws IOException {
        Locale.setDefault(Locale.ROOT);
        System.setOut(StandardOutput.to(new FileOutputStream(FileDescriptor.out)));
        var json = new JsonMapper();
        var commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            int code = Uncurl.commandLine().execute(json.readValue(line, String[].class));
            System.out.println(END + code);
        }
        System.exit(0);
    }
}
