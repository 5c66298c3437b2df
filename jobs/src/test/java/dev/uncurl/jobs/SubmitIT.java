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
        assertThat(outcome.out()).contains(Uncurl.commands().toArray(String[]::new));
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
        Files.writeString(java, "#!/bin/sh\necho locale: $LC_ALL $(locale charmap)\n");
        java.toFile().setExecutable(true);
        var submit = new Submit(Files.createDirectory(folder.resolve("checkout")));
        for (String given : List.of("C", "POSIX", "", "no_SUCH.UTF-8", "C.UTF-8")) {
            Submit.Outcome outcome = submit.run(
                    "jobs/submit sql 'SELECT 1'",
                    Map.of("JAVA_HOME", folder.resolve("jdk").toString(), "LC_ALL", given, "LANG", "C"));
            assertThat(outcome.out()).as("LC_ALL='" + given + "'").contains("locale: C.UTF-8 UTF-8");
        }
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
}
