package dev.uncurl.jobs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The Markdown pages of the repository, and the commands in them. */
final class Pages {
    static final Path ROOT = Path.of("..");

    /** Those whose blocks marked {@code sh} are run, in this order: the later ones use what the README's made. */
    static final List<Path> RUN = Stream.of(
                    "README.md",
                    "lib/src/main/java/dev/uncurl/pruning/README.md",
                    "conf/tokenize/README.md",
                    "conf/task/README.md",
                    "jobs/README.md",
                    "conf/experiment/README.md")
            .map(ROOT::resolve)
            .toList();

    private static final Set<String> NOT_OURS = Set.of("target", ".git", "warehouse");
    private static final Pattern BLOCK = Pattern.compile("(?ms)^```([^\\n]*)\\n(.*?)^```");

    /** A command begins a line and ends with it, but for line ends inside quotes or after a backslash. */
    private static final Pattern COMMAND = Pattern.compile(
            "(?m)^(?:[A-Z_]+=\\S+ )?(?:jobs/submit|mvn)\\b(?:\"[^\"]*\"|'[^']*'|\\\\\\n|[^\\n\"'\\\\])*");

    private static final Pattern WORD = Pattern.compile("\"([^\"]*)\"|'([^']*)'|([^\\s\"']+)");

    private Pages() {}

    /** A fenced block: what follows the backquotes that open it, and its lines. */
    record Block(String info, String text) {
        /** The commands of jobs/submit and Maven in it, each as one text. */
        List<String> commands() {
            var commands = new ArrayList<String>();
            Matcher matcher = COMMAND.matcher(text);
            while (matcher.find()) {
                commands.add(matcher.group().replaceAll("\\\\\\n\\s*", "").strip());
            }
            return commands;
        }
    }

    static List<Path> all() throws IOException {
        try (var files = Files.walk(ROOT)) {
            return files.filter(file -> file.toString().endsWith(".md"))
                    .map(ROOT::relativize)
                    .filter(file -> Stream.iterate(file, folder -> folder != null, Path::getParent)
                            .noneMatch(folder ->
                                    NOT_OURS.contains(folder.getFileName().toString())))
                    .map(ROOT::resolve)
                    .sorted()
                    .toList();
        }
    }

    static List<Block> blocks(String page) {
        var blocks = new ArrayList<Block>();
        Matcher matcher = BLOCK.matcher(page);
        while (matcher.find()) {
            blocks.add(new Block(matcher.group(1).strip(), matcher.group(2)));
        }
        return blocks;
    }

    /** A page without its blocks. */
    static String prose(String page) {
        return BLOCK.matcher(page).replaceAll("");
    }

    /** The commands of jobs/submit in the blocks marked {@code sh} of a page, in their order. */
    static List<String> runnable(String page) {
        return blocks(page).stream()
                .filter(block -> block.info().equals("sh"))
                .flatMap(block -> block.commands().stream())
                .filter(command -> command.startsWith("jobs/submit"))
                .toList();
    }

    /** The words of a command as a shell would see them, up to a redirection or pipe. */
    static List<String> words(String command) {
        var words = new ArrayList<String>();
        Matcher matcher = WORD.matcher(command);
        while (matcher.find() && !">".equals(matcher.group()) && !"|".equals(matcher.group())) {
            words.add(Stream.of(matcher.group(1), matcher.group(2), matcher.group(3))
                    .filter(word -> word != null)
                    .findFirst()
                    .orElseThrow());
        }
        return words;
    }
}
