package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SubmitIT {
    @Test
    void helpIsOneScreenAndNamesEveryCommand(@TempDir Path folder) throws Exception {
        Submit.Outcome outcome = new Submit(folder).run("jobs/submit --help", Map.of());
        assertThat(outcome.code()).isZero();
        assertThat(outcome.out()).contains(Uncurl.commandLine().getSubcommands().keySet());
        assertThat(outcome.out().lines().count()).isLessThan(30);
    }

    @Test
    void everyCommandHasHelpWithALineToPaste(@TempDir Path folder) {
        var cli = Uncurl.commandLine();
        cli.getSubcommands().forEach((name, command) -> {
            assertThat(command.getUsageMessage()).as(name).contains("jobs/submit " + name);
            assertThat(command.getUsageMessage().lines().count()).as(name).isLessThan(40);
        });
    }

    @Test
    void exitCodesReachTheShell(@TempDir Path folder) throws Exception {
        var submit = new Submit(folder);
        assertThat(submit.run("jobs/submit sql 'SELEKT 1'", Map.of()).code()).isEqualTo(2);
        assertThat(submit.run("jobs/submit evaluate --model ghost --task superglue/copa", Map.of())
                        .code())
                .isEqualTo(3);
        assertThat(submit.run("jobs/submit --master local[1] sql 'SELECT 1'", Map.of())
                        .code())
                .isEqualTo(2);
    }

    @Test
    void sparkOptionsStandBeforeTheDashes(@TempDir Path folder) throws Exception {
        Submit.Outcome outcome = new Submit(folder)
                .run(
                        "jobs/submit --master 'local[1]' --conf spark.sql.shuffle.partitions=3 --"
                                + " sql 'SET spark.sql.shuffle.partitions'",
                        Map.of());
        assertThat(outcome.code()).as(outcome.err()).isZero();
        assertThat(outcome.out()).contains("3");
        assertThat(outcome.err()).contains("+ spark-submit --class dev.uncurl.jobs.Uncurl --master");
    }

    @Test
    void javaGetsALocaleThatHoldsEveryFileName(@TempDir Path folder) throws Exception {
        Path java = folder.resolve("jdk/bin/java");
        Files.createDirectories(java.getParent());
        Files.writeString(
                java,
                "#!/bin/sh\necho 'openjdk version \"17.0.1\" 2021-10-19' >&2\n"
                        + "echo locale: $LC_ALL $(locale charmap)\n");
        java.toFile().setExecutable(true);
        var submit = new Submit(Files.createDirectory(folder.resolve("checkout")));
        for (String given : List.of("C", "POSIX", "", "no_SUCH.UTF-8", "C.UTF-8")) {
            Submit.Outcome outcome = submit.run(
                    "jobs/submit sql 'SELECT 1'",
                    Map.of("JAVA_HOME", folder.resolve("jdk").toString(), "LC_ALL", given, "LANG", "C"));
            assertThat(outcome.out()).as("LC_ALL='" + given + "'").contains("locale: C.UTF-8 UTF-8");
        }
    }

    /** With a java that prints its arguments, and the files of a container's limits. */
    @Test
    void withoutAMasterTheMachineIsUsedAsItsContainerAllows(@TempDir Path folder) throws Exception {
        Path java = Files.createDirectories(folder.resolve("jdk/bin")).resolve("java");
        Files.writeString(
                java,
                "#!/bin/sh\n"
                        + "echo 'openjdk version \"17.0.1\" 2021-10-19' >&2\n"
                        + "for one in \"$@\"; do echo \"$one\"; done\n");
        java.toFile().setExecutable(true);
        var submit = new Submit(Files.createDirectory(folder.resolve("checkout")));
        Path group = Files.createDirectory(folder.resolve("cgroup"));
        var environment = Map.of("JAVA_HOME", folder.resolve("jdk").toString(), "UNCURL_CGROUP", group.toString());
        Submit.Outcome whole = submit.run("jobs/submit sql 'SELECT 1'", environment);
        String cores = submit.run("nproc", Map.of()).out().strip();
        assertThat(whole.out()).contains("\nlocal[" + cores + "]\n");
        assertThat(whole.err()).contains("# this machine has " + cores + " cores");

        Files.writeString(group.resolve("cpu.max"), "200000 100000\n");
        Files.writeString(group.resolve("memory.max"), (1L << 30) + "\n");
        Submit.Outcome small = submit.run("jobs/submit sql 'SELECT 1'", environment);
        assertThat(small.out()).contains("\nlocal[1]\n", "-Xmx1g\n", "-Duncurl.threads=2\n", "maxbytes=2g\n");
        assertThat(small.err())
                .contains("# this machine has 2 cores, 1 GB: tasks at a time 1, threads per task 2, Java heap 1g");

        Submit.Outcome given = submit.run("jobs/submit --master 'local[5]' -- sql 'SELECT 1'", environment);
        assertThat(given.out()).contains("\nlocal[5]\n", "-Xmx3g\n", "-Duncurl.threads=1\n");
        assertThat(given.err()).doesNotContain("this machine");
    }

    @Test
    void inDeployModeClusterTheWarehouseHasAFullPath(@TempDir Path folder) throws Exception {
        assertRefused(
                new Submit(folder)
                        .run(
                                "jobs/submit --master spark://localhost:1 --deploy-mode cluster -- verify --model x",
                                Map.of("SPARK_LOCAL_IP", "127.0.0.1")),
                "name the warehouse by its full path");
    }

    @Test
    void aSparkDistributionIsUsedWhenSparkHomeIsSet(@TempDir Path folder) throws Exception {
        Path home = SparkDistribution.make(folder.resolve("spark"), Path.of("target/spark.classpath"));
        Submit.Outcome outcome = new Submit(folder)
                .run("jobs/submit sql 'SELECT 6 * 7 AS answer'", Map.of("SPARK_HOME", home.toString()));
        assertThat(outcome.code()).as(outcome.err()).isZero();
        assertThat(outcome.out()).contains("42");
        assertThat(outcome.err()).contains(SparkDistribution.SIGN);
    }

    @Test
    void linksToTheLauncherWorkFromAnywhere(@TempDir Path folder) throws Exception {
        var submit = new Submit(folder);
        Path bin = Files.createDirectories(folder.resolve("a folder/bin"));
        Path launcher = Path.of("submit").toRealPath();
        Files.createSymbolicLink(
                bin.resolve("first"),
                bin.relativize(Files.createSymbolicLink(folder.resolve("second link"), launcher)));
        Submit.Outcome outcome = submit.run("cd / && '" + bin.resolve("first") + "' --version", Map.of());
        assertThat(outcome.code()).as(outcome.err()).isZero();
        assertThat(outcome.out()).startsWith("uncurl");
        assertThat(submit.run("PATH='" + bin + "':$PATH first --version", Map.of("CDPATH", "/tmp:/"))
                        .code())
                .isZero();
    }

    @Test
    void mistakesInLauncherArgumentsAreReportedInALine(@TempDir Path folder) throws Exception {
        var submit = new Submit(folder);
        Path java = Files.createDirectories(folder.resolve("jdk/bin")).resolve("java");
        Files.writeString(java, "#!/bin/sh\necho 'openjdk version \"25.0.1\" 2025-10-21' >&2\n");
        java.toFile().setExecutable(true);
        assertRefused(
                submit.run("jobs/submit sql 'SELECT 1'", Map.of("JAVA_HOME", folder + "/jdk")), "found Java 25.0.1");
        assertRefused(submit.run("jobs/submit sql 'SELECT 1'", Map.of("JAVA_HOME", folder + "/none")), "no " + folder);
        assertRefused(submit.run("jobs/submit --master here -- sql 'SELECT 1'", Map.of()), "'here' is no Spark master");
        assertRefused(submit.run("jobs/submit --properties-file no.conf -- sql 'SELECT 1'", Map.of()), "no.conf");
        assertRefused(submit.run("jobs/submit --driver-memory lots -- sql 'SELECT 1'", Map.of()), "'lots'");
    }

    private static void assertRefused(Submit.Outcome outcome, String what) {
        assertThat(outcome.code()).as(outcome.err()).isEqualTo(2);
        assertThat(outcome.err()).contains(what).hasLineCount(1);
    }

    @Test
    void outputThatCannotBeWrittenAndAReaderThatGoesAwayReachTheShell(@TempDir Path folder) throws Exception {
        var submit = new Submit(folder);
        String rows = "jobs/submit sql --csv 'SELECT explode(sequence(1, 100000)) AS x'";
        Submit.Outcome full = submit.run(rows + " > /dev/full", Map.of());
        assertThat(full.code()).as(full.err()).isEqualTo(3);
        assertThat(full.err()).contains("Standard output cannot be written");
        Submit.Outcome head = submit.run("set -o pipefail; " + rows + " | head -n 2", Map.of());
        assertThat(head.code()).as(head.err()).isEqualTo(141);
        assertThat(head.out()).isEqualTo("x\n1\n");
        assertThat(messages(head)).isEmpty();
    }

    @Test
    void controlCEndsInALine(@TempDir Path folder) throws Exception {
        Submit.Outcome outcome = new Submit(folder)
                .run(
                        "set -m; jobs/submit sql --csv 'SELECT id FROM range(0, 10000000000, 1, 10000)' > rows &"
                                + " for ((i = 0; i < 600; i++)); do [[ -s rows ]] && break; sleep 0.2; done;"
                                + " kill -INT %1; wait %1",
                        Map.of());
        assertThat(outcome.code()).as(outcome.err()).isEqualTo(130);
        assertThat(messages(outcome))
                .filteredOn(line -> !line.startsWith("[1]")) // the shell's own report of the job
                .singleElement()
                .asString()
                .contains("interrupted");
    }

    @Test
    void secretsAreNotPrinted(@TempDir Path folder) throws Exception {
        String err = new Submit(folder)
                .run(
                        "jobs/submit --conf spark.hadoop.fs.s3a.secret.key=hush --master 'local[1]' -- verify --model x"
                                + " --warehouse a:b",
                        Map.of())
                .err();
        assertThat(err).doesNotContain("hush").contains("secret.key=");
    }

    /** Standard error without the launcher's line and Java's about the Vector API. */
    private static List<String> messages(Submit.Outcome outcome) {
        return outcome.err()
                .lines()
                .filter(line -> !line.startsWith("+ spark-submit") && !line.contains("jdk.incubator.vector"))
                .toList();
    }
}
