package dev.uncurl.corpus.io;

import static dev.uncurl.corpus.format.Corpora.DATA;
import static dev.uncurl.corpus.format.Corpora.HADOOP;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.uncurl.error.UserError;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class CorpusListingTest {
    @TempDir
    private Path folder;

    private Path write(String name) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        return Files.writeString(file, "text of " + name + "\n");
    }

    private CorpusListing list(String... patterns) {
        var paths = new ArrayList<String>();
        for (String pattern : patterns) {
            paths.add(folder + "/" + pattern);
        }
        return CorpusListing.of(HADOOP, paths, List.of());
    }

    /** Names below the folder. */
    private List<String> names(List<CorpusFile> files) {
        return files.stream()
                .map(file -> file.path().substring(("file:" + folder + "/").length()))
                .toList();
    }

    private static void assertRefused(ThrowingCallable listing, String... words) {
        assertThatThrownBy(listing)
                .isInstanceOfSatisfying(
                        UserError.class, r -> assertThat(r.kind()).isEqualTo(UserError.Kind.INPUT))
                .hasMessageContainingAll(words);
    }

    @Test
    void globsFoldersAndNamesGiveEachFileOnceInOrder() {
        var files = CorpusListing.of(
                        HADOOP,
                        List.of(DATA + "cc100/*.txt.xz", DATA + "cc100", DATA + "cc100/{fiction,speeches}.txt"),
                        List.of())
                .files();
        assertThat(files.stream().map(file -> file.path().replaceAll(".*/", "")))
                .containsExactly("fiction.txt", "nonfiction.txt", "religion_kjv.txt.xz", "speeches.txt");
        assertThat(files).allMatch(file -> file.bytes() > 100_000);
    }

    @Test
    void everyAlternativeOfBracesIsRead() throws IOException {
        for (String name : List.of("en/a.txt", "en/b.txt", "de/a.txt", "de/deep/c.txt", "fr/a.txt")) {
            write(name);
        }
        assertThat(names(list("{en/a,de/a}.txt").files())).containsExactly("de/a.txt", "en/a.txt");
        assertThat(names(list("{en/*,de/deep,fr/**}").files()))
                .containsExactly("de/deep/c.txt", "en/a.txt", "en/b.txt", "fr/a.txt");
        assertThat(names(list("{en,fr}/{a,b}.txt").files())).containsExactly("en/a.txt", "en/b.txt", "fr/a.txt");
    }

    @Test
    void missingPathsAreRefusedByName() {
        for (String pattern : List.of(
                DATA + "nothing.txt", DATA + "nowhere/*.txt", DATA + "cc100/*.nothing", DATA + "**/*.nothing", "a:b")) {
            assertRefused(
                    () -> CorpusListing.of(HADOOP, List.of(DATA + "cc100", pattern), List.of()),
                    pattern,
                    "Check the path");
        }
    }

    @Test
    void foldersAreReadWithTheirSubfoldersAndWhatIsHiddenIsNamed() throws IOException {
        assertRefused(() -> list("."), "without files");
        for (String name : List.of("b.txt", "en/a.txt", "en/deep/c.txt", "_SUCCESS", ".git/config", "en/.swp")) {
            write(name);
        }
        CorpusListing listing = list(".");
        assertThat(names(listing.files())).containsExactly("b.txt", "en/a.txt", "en/deep/c.txt");
        assertThat(listing.remarks())
                .anySatisfy(remark -> assertThat(remark).contains("2 subfolders", "/en"))
                .anySatisfy(remark -> assertThat(remark).contains("3 skipped hidden", "_SUCCESS", ".git", ".swp"));
        assertThat(names(list("_SUCCESS").files())).containsExactly("_SUCCESS");
        assertThat(names(list(".git").files())).containsExactly(".git/config");
        assertThat(names(list("*").files())).isEqualTo(names(listing.files()));
        assertThat(names(list("_*").files())).containsExactly("_SUCCESS");
        assertThat(names(list("**/*.txt").files())).isEqualTo(names(listing.files()));
        assertThat(names(list("**").files())).isEqualTo(names(listing.files()));
        assertThat(names(list("en/**/c.txt", "{b,en/a}.txt").files())).isEqualTo(names(listing.files()));
        write("en/deep/d.bz2");
        assertRefused(() -> list("."), "d.bz2");
    }

    @Test
    void namesThatExistAreTakenAsTheyAreWhateverCharactersTheyHave() throws IOException {
        var names = new ArrayList<>(List.of(
                "2024-01-01T10:30.txt",
                "a[1].txt",
                "a{1,2}.txt",
                "what?.txt",
                "star*.txt",
                "back\\slash.txt",
                "per%20cent.txt",
                "sp ace .txt",
                "new\nline.txt",
                "#hash&amp;'quote\".txt",
                "c:/d:e.txt",
                "[folder]/x.txt",
                "**/y.txt"));
        if (System.getProperty("sun.jnu.encoding").equals("UTF-8")) {
            names.addAll(List.of("résumé-中.txt", "e\u0301.txt", "\u00e9.txt", "😀.txt"));
        }
        for (String name : names) {
            write(name);
        }
        CorpusListing all = list("");
        assertThat(names(all.files())).containsExactlyInAnyOrderElementsOf(names);
        for (String name : names) {
            assertThat(names(list(name).files())).as(name).containsExactly(name);
        }
        assertThat(names(list("[folder]/*.txt", "c:/*").files())).containsExactly("[folder]/x.txt", "c:/d:e.txt");
        assertThat(names(list("a\\[?\\].txt").files())).containsExactly("a[1].txt");
        for (CorpusFile file : all.files()) {
            try (var in = CorpusFiles.open(HADOOP, file.path())) {
                assertThat(new String(in.readAllBytes(), StandardCharsets.UTF_8))
                        .startsWith("text of ");
            }
        }
    }

    @Test
    void aFileUnderSeveralNamesIsReadOnce() throws IOException {
        Path file = write("in/a.txt");
        write("in/b.txt");
        Files.createSymbolicLink(folder.resolve("in/link.txt"), file);
        Files.createLink(folder.resolve("in/hard.txt"), file);
        Files.createSymbolicLink(folder.resolve("in/loop"), folder.resolve("in"));
        Files.createSymbolicLink(folder.resolve("other"), folder.resolve("in"));
        CorpusListing listing = list("in", "in/./a.txt", "in/../in/", "other", "in//*.txt", "**/link.txt");
        assertThat(names(listing.files())).containsExactly("in/a.txt", "in/b.txt");
        assertThat(listing.remarks()).anySatisfy(remark -> assertThat(remark)
                .contains("read once", "hard.txt (same file as file:" + file + ")"));
    }

    @Test
    void aFileThatValidatesDoesNotTrainByWhateverNameItIsGiven() throws IOException {
        Path file = write("in/val.txt");
        write("in/train.txt");
        Files.createSymbolicLink(folder.resolve("soft.txt"), file);
        Files.createLink(folder.resolve("hard.txt"), file);
        Files.createSymbolicLink(folder.resolve("twin"), folder.resolve("in"));
        Path working = Path.of("").toAbsolutePath();
        String in = folder.resolve("in").toString();
        for (String validation : List.of(
                in + "/val.txt",
                in + "/./val.txt",
                in + "/../in/val.txt",
                "file:" + in + "/val.txt",
                "file://" + in + "//val.txt",
                working.relativize(file).toString(),
                in + "/v*.txt",
                folder + "/*/val.txt",
                folder + "/soft.txt",
                folder + "/hard.txt",
                folder + "/twin/val.txt")) {
            for (String paths : List.of(in, in + "/", in + "/*.txt", folder + "/twin", folder + "/twin/../in")) {
                CorpusListing listing = CorpusListing.of(HADOOP, List.of(paths), List.of(validation));
                assertThat(listing.files()).as(paths + " and " + validation).hasSize(1);
                assertThat(listing.files().get(0).path()).endsWith("/train.txt");
                assertThat(listing.validation()).hasSize(1);
                assertThat(listing.remarks())
                        .anySatisfy(remark -> assertThat(remark).contains("read for validation only", "val.txt"));
            }
            assertRefused(
                    () -> CorpusListing.of(HADOOP, List.of(in + "/train.txt", in + "/val.txt"), List.of(validation)),
                    in + "/val.txt",
                    validation);
        }
        assertRefused(() -> CorpusListing.of(HADOOP, List.of(in), List.of(folder + "/twin")), in, "/twin");
    }

    @Test
    void whatCannotBeReadIsRefusedOrNamed() throws Exception {
        write("in/a.txt");
        write("in/.#a.txt");
        Files.writeString(folder.resolve("in/empty.txt"), "");
        shell("mkfifo in/pipe");
        assertThat(names(list("in").files())).containsExactly("in/a.txt", "in/empty.txt");
        assertThat(list("in").remarks())
                .anySatisfy(remark -> assertThat(remark).contains("pipes", "in/pipe"))
                .anySatisfy(remark -> assertThat(remark).contains("1 files of 0 bytes", "in/empty.txt"));
        assertRefused(() -> list("in/pipe"), "in/pipe", "pipe");
        for (String target : List.of("nowhere.txt", "dead.txt")) {
            Path dead = Files.createSymbolicLink(folder.resolve("in/dead.txt"), Path.of(target));
            assertRefused(() -> list("in"), "in/dead.txt", "broken symbolic link");
            assertRefused(() -> list("in/d*.txt"), "in/dead.txt", "broken symbolic link");
            assertRefused(() -> list("in/dead.txt"), "in/dead.txt", "broken symbolic link");
            assertThat(names(list("in/a*.txt").files())).containsExactly("in/a.txt");
            Files.delete(dead);
        }
        Files.createSymbolicLink(folder.resolve("in/.#lock"), Path.of("nobody@nowhere"));
        assertThat(list("in").files()).hasSize(2);
    }

    @Test
    void whatMayNotBeReadIsRefused() throws Exception {
        Path file = write("in/a.txt");
        write("in/b.txt");
        shell("chmod 000 in/a.txt");
        assumeTrue(!Files.isReadable(file), "root may read everything");
        assertRefused(() -> list("in"), "in/a.txt", "not readable");
        assertRefused(() -> list("in/a.txt"), "in/a.txt", "not readable");
        shell("chmod 644 in/a.txt; chmod 000 in");
        try {
            assertRefused(() -> list("in"), "in");
        } finally {
            shell("chmod 755 in");
        }
    }

    @Tag("slow")
    @Test
    void aNameThatJavaCannotDecodeIsRefusedWithTheRemedyAndNotLeftOut() throws Exception {
        write("in/plain.txt");
        shell("echo text > \"$(printf 'in/r\\303\\251sum\\303\\251.txt')\"");
        for (String locale : List.of("C", "C.UTF-8")) {
            var process = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-Xmx200m",
                            "-cp",
                            System.getProperty("java.class.path"),
                            Listed.class.getName(),
                            folder + "/in")
                    .redirectErrorStream(true);
            process.environment().put("LC_ALL", locale);
            var java = process.start();
            String output = new String(java.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            java.waitFor();
            if (locale.equals("C")) {
                assertThat(output).contains("refused", "/in", "ANSI_X3.4-1968", "LC_ALL=C.UTF-8");
            } else {
                assertThat(output).contains("2 files").doesNotContain("refused");
            }
        }
        shell("mkdir latin; echo text > \"$(printf 'latin/r\\351sum\\351.txt')\"");
        assertRefused(() -> list("latin"), "latin", "cannot be decoded as");
    }

    /** Lists a folder in a process of its own, whose encoding of file names is decided when it starts. */
    static final class Listed {
        public static void main(String[] arguments) {
            try {
                var listing = CorpusListing.of(HADOOP, List.of(arguments), List.of());
                System.out.println(listing.files().size() + " files");
            } catch (UserError userError) {
                System.out.println("refused: " + userError.getMessage());
            }
        }
    }

    private void shell(String command) throws Exception {
        int code = new ProcessBuilder("sh", "-c", command)
                .directory(folder.toFile())
                .inheritIO()
                .start()
                .waitFor();
        assertThat(code).as(command).isZero();
    }
}
