package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.pruning.BuiltInMethods;
import dev.uncurl.pruning.RouterRule;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** Links, names and commands of the pages. {@link ReadmeIT} runs the commands. */
class PagesTest {
    private static final Pattern LINK = Pattern.compile("\\]\\(([^)\\s]+)\\)");
    private static final Pattern CODE = Pattern.compile("`([^`]+)`");
    private static final Pattern CLASS = Pattern.compile("[A-Z][a-z0-9]+([A-Z][A-Za-z0-9]*)*(\\.java)?|Nd4j\\w+");
    private static final Pattern OURS =
            Pattern.compile("(lib|jobs|conf|schemas|notebooks|test-data|\\.github|\\.ci)(/[\\w.*-]+)+");
    private static final Pattern PACKAGE = Pattern.compile("dev\\.uncurl(\\.[a-z0-9]+)+");
    private static final Pattern TESTS = Pattern.compile("-D(?:it\\.)?test=(\\S+)");
    private static final Pattern PROPERTY = Pattern.compile("-D([\\w.-]+)");
    private static final Pattern PROFILE = Pattern.compile("-P(\\w+)");
    private static final Pattern MODULES = Pattern.compile("-pl (\\S+)");

    private static List<Path> java() throws IOException {
        try (var files = Files.walk(Pages.ROOT)) {
            return files.filter(file -> file.toString().endsWith(".java")).toList();
        }
    }

    private static Set<String> classes() throws IOException {
        return java().stream()
                .map(file -> file.getFileName().toString().replace(".java", ""))
                .collect(Collectors.toSet());
    }

    private static List<String> found(Pattern pattern, String text) {
        return pattern.matcher(text).results().map(result -> result.group(1)).toList();
    }

    /** The texts between backquotes, outside blocks. */
    private static List<String> codes(String page) {
        return found(CODE, Pages.prose(page)).stream()
                .map(code -> code.replaceAll("\\s*\\n\\s*", " "))
                .toList();
    }

    private static boolean exists(String file) throws IOException {
        if (!file.contains("*")) {
            return Files.exists(Pages.ROOT.resolve(file));
        }
        var matcher = FileSystems.getDefault().getPathMatcher("glob:" + file);
        try (var files = Files.walk(Pages.ROOT.resolve(file.substring(0, file.indexOf('/'))))) {
            return files.map(Pages.ROOT::relativize).anyMatch(matcher::matches);
        }
    }

    @Test
    void everyRelativeLinkLeadsToAFile() throws IOException {
        int links = 0;
        for (Path page : Pages.all()) {
            for (String link : found(LINK, Pages.prose(Files.readString(page)))) {
                if (!link.contains("://")) {
                    assertThat(page.resolveSibling(link).normalize())
                            .as("%s links to %s", page, link)
                            .exists();
                    links++;
                }
            }
        }
        assertThat(links).isGreaterThan(60);
    }

    @Test
    void everyPageIsReachedFromTheReadme() throws IOException {
        var reached = new TreeSet<Path>();
        var open = new ArrayList<>(List.of(Pages.ROOT.resolve("README.md")));
        while (!open.isEmpty()) {
            Path page = open.remove(open.size() - 1);
            if (reached.add(page)) {
                found(LINK, Pages.prose(Files.readString(page))).stream()
                        .filter(link -> link.endsWith(".md") && !link.contains("://"))
                        .map(link -> Pages.ROOT.resolve(Pages.ROOT
                                .toAbsolutePath()
                                .normalize()
                                .relativize(page.resolveSibling(link)
                                        .toAbsolutePath()
                                        .normalize())))
                        .forEach(open::add);
            }
        }
        assertThat(reached).containsAll(Pages.all());
    }

    @Test
    void everyClassFileAndPackageThatAPageNamesExists() throws IOException {
        Set<String> classes = classes();
        int names = 0;
        for (Path page : Pages.all()) {
            for (String code : codes(Files.readString(page))) {
                String place = page + " names " + code;
                if (CLASS.matcher(code).matches()) {
                    assertThat(classes).as(place).contains(code.replace(".java", ""));
                    names++;
                } else if (OURS.matcher(code).matches() && !code.contains("/target/")) {
                    assertThat(exists(code)).as(place).isTrue();
                } else if (PACKAGE.matcher(code).matches()) {
                    String folder = "src/main/java/" + code.replace('.', '/');
                    assertThat(List.of(exists("lib/" + folder), exists("jobs/" + folder)))
                            .as(place)
                            .contains(true);
                }
            }
        }
        assertThat(names).isGreaterThan(80);
    }

    @Test
    void everyCommandOfThePagesCanBeParsed() throws IOException {
        int commands = 0;
        for (Path page : Pages.all()) {
            String text = Files.readString(page);
            for (String command : Stream.concat(
                            Pages.blocks(text).stream().flatMap(block -> block.commands().stream()),
                            codes(text).stream())
                    .toList()) {
                List<String> words = Pages.words(command);
                if (words.size() > 1 && words.get(0).equals("jobs/submit") && !command.contains("<command>")) {
                    int options = words.get(1).startsWith("-") ? words.indexOf("--") : 0;
                    parse(words.subList(options + 1, words.size()), page);
                    commands++;
                }
            }
        }
        assertThat(commands).isGreaterThan(30);
    }

    private static void parse(List<String> words, Path page) {
        CommandLine.ParseResult parsed = Uncurl.commandLine().parseArgs(words.toArray(String[]::new));
        assertThat(parsed.hasSubcommand()).as("%s: %s", page, words).isTrue();
    }

    @Test
    void everyMavenCommandNamesTestsModulesProfilesAndPropertiesThatExist() throws IOException {
        Set<String> classes = classes();
        var sources = new StringBuilder();
        for (Path file : java()) {
            sources.append(Files.readString(file));
        }
        int commands = 0;
        for (Path page : Pages.all()) {
            for (Pages.Block block : Pages.blocks(Files.readString(page))) {
                for (String command : block.commands()) {
                    if (command.contains("mvn ")) {
                        checkMaven(page, command, classes, sources);
                        commands++;
                    }
                }
            }
        }
        assertThat(commands).isGreaterThan(6);
    }

    private static void checkMaven(Path page, String command, Set<String> classes, CharSequence sources)
            throws IOException {
        String place = page + ": " + command;
        for (String tests : found(TESTS, command)) {
            assertThat(classes).as(place).contains(tests.split(","));
        }
        for (String modules : found(MODULES, command)) {
            assertThat(modules.split(","))
                    .as(place)
                    .allMatch(module -> Files.exists(Pages.ROOT.resolve(module).resolve("pom.xml")));
        }
        String pom = Files.readString(Pages.ROOT.resolve("pom.xml"));
        for (String profile : found(PROFILE, command)) {
            assertThat(pom).as(place).contains("<id>" + profile + "</id>");
        }
        for (String property : found(PROPERTY, command)) {
            if (!property.equals("test") && !property.startsWith("surefire.")) {
                assertThat(sources).as(place).contains("\"" + property + "\"");
            }
        }
    }

    @Test
    void thePageOnPruningHasEveryMethodAndRouterRule() throws IOException {
        String page = Files.readString(Pages.RUN.get(1)).replace("`, `-", "`, `agglomerative-");
        for (Enum<?> method : BuiltInMethods.values()) {
            assertThat(page)
                    .contains("`" + method.name().toLowerCase(Locale.ROOT).replace('_', '-') + "`");
        }
        for (Enum<?> rule : RouterRule.values()) {
            assertThat(page).contains("| `" + rule.name().toLowerCase(Locale.ROOT) + "`");
        }
    }

    @Test
    void thePageOnCommandsHasEveryCommand() throws IOException {
        String page = Files.readString(Pages.ROOT.resolve("jobs/README.md"));
        for (String command : Uncurl.commandLine().getSubcommands().keySet()) {
            assertThat(page).contains("| `" + command);
        }
    }

    @Test
    void theReadmeBeginsWithTheDemoAndIsShort() throws IOException {
        String readme = Files.readString(Pages.ROOT.resolve("README.md"));
        assertThat(readme.lines().count()).isLessThan(250);
        assertThat(Pages.runnable(readme)).hasSizeGreaterThan(10).first().isEqualTo("jobs/submit demo");
    }

    @Test
    void commandsAreJoinedOverLinesAndCutAtTheirEnds() {
        String page =
                """
                ```sh
                jobs/submit demo
                # a comment
                jobs/submit sql "SELECT 1,
                  2" --csv > out.csv
                jobs/submit finetune --from a \\
                  --model b
                ```
                ```sh not-run
                jobs/submit verify --model x
                ```
                """;
        assertThat(Pages.runnable(page))
                .containsExactly(
                        "jobs/submit demo",
                        "jobs/submit sql \"SELECT 1,\n  2\" --csv > out.csv",
                        "jobs/submit finetune --from a --model b");
        assertThat(Pages.words(Pages.runnable(page).get(1)))
                .containsExactly("jobs/submit", "sql", "SELECT 1,\n  2", "--csv");
    }

    @Test
    void theVersionIsThatOfTheParentPomAndOfTheChangelog() throws IOException {
        String pom = Files.readString(Pages.ROOT.resolve("pom.xml"));
        String revision =
                found(Pattern.compile("<revision>(.*)</revision>"), pom).get(0);
        assertThat(new Version().getVersion()).containsExactly("uncurl " + revision);
        Matcher newest = Pattern.compile("(?m)^## (\\S+) - ")
                .matcher(Files.readString(Pages.ROOT.resolve(".github/CHANGELOG.md")));
        assertThat(newest.find()).isTrue();
        assertThat(newest.group(1)).isEqualTo(revision);
    }
}
