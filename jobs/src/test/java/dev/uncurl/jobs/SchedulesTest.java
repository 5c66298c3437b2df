package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.uncurl.config.Settings;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The files of conf/schedule: their arguments are Uncurl's, they run once a night, and the DAG has no keyword that its operators do not
 * have. {@link KubernetesFilesTest} has the YAML.
 */
class SchedulesTest {
    private static final Path SCHEDULES = Path.of("../conf/schedule");
    private static final Path PYTHON = Path.of("/usr/bin/python3");

    /** Of systemd.unit, systemd.service, systemd.timer; those of them that a sweep may want. */
    private static final Map<String, Set<String>> UNITS = Map.of(
            "[Unit]", Set.of("Description", "Documentation", "After", "Wants", "Requires", "OnFailure"),
            "[Service]",
                    Set.of(
                            "Type",
                            "User",
                            "Group",
                            "WorkingDirectory",
                            "Environment",
                            "ExecStart",
                            "SuccessExitStatus",
                            "TimeoutStartSec",
                            "MemoryMax",
                            "Nice"),
            "[Timer]", Set.of("OnCalendar", "Persistent", "RandomizedDelaySec", "Unit"),
            "[Install]", Set.of("WantedBy"));

    private static final Pattern COMMAND = Pattern.compile("jobs/submit (sweep [^>'\\n]*)");

    /** Modules in place of Airflow's. Each class takes the keywords of the real one that are documented, and no other. */
    private static final String STUBS =
            """
            import sys, types, json
            def refuse(name, known):
                class Stub:
                    def __init__(self, **given):
                        unknown = set(given) - known
                        if unknown: raise TypeError(name + ": " + ", ".join(sorted(unknown)))
                        print(json.dumps({"class": name, "given": {k: v for k, v in given.items()
                          if isinstance(v, (str, int, bool, list))}}))
                    def __enter__(self): return self
                    def __exit__(self, *error): return False
                return Stub
            def module(name, **content):
                sys.modules[name] = types.ModuleType(name)
                sys.modules[name].__dict__.update(content)
            module("airflow", DAG=refuse("DAG", {"dag_id", "description", "schedule", "start_date", "end_date", "catchup",
              "max_active_runs", "max_active_tasks", "dagrun_timeout", "default_args", "tags", "params"}))
            for name in ["airflow.providers", "airflow.providers.apache", "airflow.providers.apache.spark",
              "airflow.providers.apache.spark.operators"]: module(name)
            module("airflow.providers.apache.spark.operators.spark_submit", SparkSubmitOperator=refuse("SparkSubmitOperator",
              {"task_id", "retries", "retry_delay", "execution_timeout", "application", "conf", "conn_id", "files", "py_files",
              "jars", "java_class", "packages", "exclude_packages", "repositories", "driver_class_path",
              "total_executor_cores", "executor_cores", "executor_memory", "driver_memory", "keytab", "principal",
              "proxy_user", "name", "num_executors", "status_poll_interval", "application_args", "env_vars", "verbose",
              "spark_binary", "properties_file", "yarn_queue", "deploy_mode", "use_krb5ccache", "post_submit_commands"}))
            exec(compile(open(sys.argv[1]).read(), sys.argv[1], "exec"))
            """;

    /** @param dated whether the scheduler passes the date */
    private static void isParsed(List<String> arguments, boolean dated) {
        var parsed = Uncurl.commandLine().parseArgs(arguments.toArray(String[]::new));
        assertThat(parsed.subcommand().commandSpec().name()).isEqualTo("sweep");
        String config = parsed.subcommand().matchedOptionValue("--config", "");
        assertThat(Settings.load(config, List.of()).describe()).contains("until = \"06:00\"");
        assertThat(parsed.subcommand().hasMatchedOption("--as-of")).isEqualTo(dated);
    }

    @ParameterizedTest
    @ValueSource(strings = {"crontab", "uncurl-sweep.service", "cronjob.yaml", "cronworkflow.yaml"})
    void theirArgumentsAreOnesThatUncurlHas(String file) throws IOException {
        Matcher command = COMMAND.matcher(Files.readString(SCHEDULES.resolve(file)));
        assertThat(command.find()).isTrue();
        isParsed(
                List.of(command.group(1)
                        .strip()
                        .replaceAll("\"\\$(?:\\(date [^)]*\\)|as_of)\"", "2026-11-26")
                        .split(" +")),
                true);
        assertThat(command.find()).isFalse();
    }

    @Test
    void theSparkOperatorRunsThisBuildWithArgumentsThatUncurlHas() throws IOException {
        var application = ((KubernetesKinds.ScheduledSparkApplication) KubernetesKinds.read(
                        KubernetesKinds.documents(SCHEDULES.resolve("scheduledsparkapplication.yaml"))
                                .get(0)))
                .spec()
                .template();
        isParsed(application.arguments(), false);
        assertThat(application.mainClass()).isEqualTo(Uncurl.class.getName());
        assertThat(application.sparkVersion()).isEqualTo(org.apache.spark.package$.MODULE$.SPARK_VERSION());
        assertThat(application.mainApplicationFile()).isEqualTo("local:///opt/uncurl/" + jar());
    }

    /** The name of the jar that the build makes. */
    private static String jar() throws IOException {
        String pom = Files.readString(Path.of("pom.xml"));
        assertThat(pom).contains("<outputFile>${project.build.directory}/uncurl.jar</outputFile>");
        return "uncurl.jar";
    }

    /** In the workflow the date is that of the backfill, or that on which the workflow was made. */
    @ParameterizedTest
    @CsvSource({"today, 2026-11-26", "2026-11-01T00:30:00Z, 2026-11-01", "2026-11-02, 2026-11-02"})
    void theWorkflowsShellPassesTheDate(String given, String passed) throws IOException, InterruptedException {
        var template = (KubernetesKinds.WorkflowTemplate)
                KubernetesKinds.read(KubernetesKinds.documents(SCHEDULES.resolve("cronworkflow.yaml"))
                        .get(0));
        var container = template.spec().templates().get(0).container();
        String script = container
                .getArgs()
                .get(0)
                .replace("{{inputs.parameters.date}}", given)
                .replace("{{workflow.creationTimestamp.Y}}", "2026")
                .replace("{{workflow.creationTimestamp.m}}", "11")
                .replace("{{workflow.creationTimestamp.d}}", "26")
                .replace("exec jobs/submit", "echo");
        assertThat(script).doesNotContain("{{");
        assertThat(run("/bin/sh", "-c", script)).contains("--as-of " + passed + " --warehouse");
        assertThat(template.spec().arguments().parameters().get(0).value()).isEqualTo("today");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"30 24 * * *", "60 0 * * *", "30 0 * *", "30 0 * * 8", "30 0 0 * *", "@nightly", "30  0 * * x"})
    void whatIsNoCronExpressionIsRefused(String text) {
        assertThatThrownBy(() -> CronExpression.of(text)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void theCrontabsLineRunsOnceANightAndHidesEveryPercentSign() throws IOException {
        List<String> lines = Files.readAllLines(SCHEDULES.resolve("crontab")).stream()
                .filter(line -> !line.startsWith("#"))
                .toList();
        assertThat(lines).hasSize(1);
        String[] fields = lines.get(0).split(" ", 6);
        assertThat(CronExpression.of(String.join(" ", List.of(fields).subList(0, 5)))
                        .timesADay())
                .isEqualTo(1);
        assertThat(fields[5].replace("\\%", "")).doesNotContain("%");
        assertThat(CronExpression.of("*/15 8-10,20 * * 1-5").timesADay()).isEqualTo(4 * 4);
    }

    @ParameterizedTest
    @ValueSource(strings = {"uncurl-sweep.timer", "uncurl-sweep.service"})
    void theUnitsHaveOnlyKeysOfSystemd(String file) throws IOException {
        String section = "";
        for (String line : Files.readAllLines(SCHEDULES.resolve(file))) {
            if (line.startsWith("[")) {
                section = line;
            } else if (!line.isBlank() && !line.startsWith("#")) {
                assertThat(UNITS.getOrDefault(section, Set.of()))
                        .as(file + " " + section)
                        .contains(line.split("=", 2)[0]);
            }
        }
        assertThat(Files.readString(SCHEDULES.resolve("uncurl-sweep.timer")))
                .containsPattern("(?m)^OnCalendar=\\*-\\*-\\* [0-2]\\d:[0-5]\\d:[0-5]\\d$");
    }

    private static String run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(printed).isZero();
        return printed;
    }

    /** Imports a DAG, as Airflow does. @return what the stubs were given */
    private static String imported(Path folder, Path dag) throws IOException, InterruptedException {
        assumeThat(PYTHON).as("Debian: apt-get install python3").exists();
        Path stubs = Files.writeString(folder.resolve("stubs.py"), STUBS);
        return run(PYTHON.toString(), stubs.toString(), dag.toString());
    }

    @Test
    void theDagIsImportedWithStubsThatRefuseUnknownKeywords(@TempDir Path folder)
            throws IOException, InterruptedException {
        Path dag = SCHEDULES.resolve("uncurl_sweep.py");
        String printed = imported(folder, dag);
        assertThat(printed)
                .contains("\"catchup\": false", "\"max_active_runs\": 1")
                .contains("\"java_class\": \"" + Uncurl.class.getName() + "\"", "/jobs/target/" + jar() + "\"");
        Matcher schedule = Pattern.compile("\"schedule\": \"([^\"]*)\"").matcher(printed);
        assertThat(schedule.find()).isTrue();
        assertThat(CronExpression.of(schedule.group(1)).timesADay()).isEqualTo(1);
        Matcher arguments =
                Pattern.compile("\"application_args\": \\[([^\\]]*)\\]").matcher(printed);
        assertThat(arguments.find()).isTrue();
        assertThat(arguments.group(1))
                .as("the logical date, so that a backfill runs earlier dates")
                .contains("\"--as-of\", \"{{ ds }}\"");
        isParsed(
                List.of(arguments
                        .group(1)
                        .replace("\"", "")
                        .replace("{{ ds }}", "2026-11-26")
                        .split(", ")),
                true);
        for (String keyword : List.of("catchup", "max_active_runs", "application_args", "java_class", "conn_id")) {
            Path misspelt = Files.writeString(
                    folder.resolve("misspelt.py"), Files.readString(dag).replace(keyword + "=", keyword + "s="));
            assertThatThrownBy(() -> imported(folder, misspelt))
                    .isInstanceOf(AssertionError.class)
                    .hasMessageContaining("TypeError")
                    .hasMessageContaining(keyword + "s");
        }
    }
}
