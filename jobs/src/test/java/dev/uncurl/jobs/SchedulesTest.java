package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.uncurl.config.Settings;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The files of conf/schedule: their arguments are Uncurl's, and the DAG has no keyword that its operators do not have. */
class SchedulesTest {
    private static final Path SCHEDULES = Path.of("../conf/schedule");
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

    private static void isParsed(List<String> arguments) {
        var parsed = Uncurl.commandLine().parseArgs(arguments.toArray(String[]::new));
        assertThat(parsed.subcommand().commandSpec().name()).isEqualTo("sweep");
        String config = parsed.subcommand().matchedOptionValue("--config", "");
        assertThat(Settings.load(config, List.of()).describe()).contains("until = \"06:00\"");
        assertThat(parsed.subcommand().hasMatchedOption("--as-of")).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"crontab", "uncurl-sweep.service", "cronjob.yaml"})
    void theirArgumentsAreOnesThatUncurlHas(String file) throws IOException {
        Matcher command = COMMAND.matcher(Files.readString(SCHEDULES.resolve(file)));
        assertThat(command.find()).isTrue();
        isParsed(List.of(command.group(1)
                .strip()
                .replaceAll("\"\\$\\(date [^)]*\\)\"", "2026-11-26")
                .split(" +")));
        assertThat(command.find()).isFalse();
    }

    @Test
    void theDagIsImportedWithStubsThatRefuseUnknownKeywords(@TempDir Path folder)
            throws IOException, InterruptedException {
        Path python = Path.of("/usr/bin/python3");
        assumeThat(python).exists();
        Path stubs = Files.writeString(folder.resolve("stubs.py"), STUBS);
        Process process = new ProcessBuilder(
                        python.toString(),
                        stubs.toString(),
                        SCHEDULES.resolve("uncurl_sweep.py").toString())
                .redirectErrorStream(true)
                .start();
        String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(printed).isZero();
        assertThat(printed)
                .contains("\"catchup\": false", "\"max_active_runs\": 1")
                .contains("\"java_class\": \"" + Uncurl.class.getName() + "\"", "jobs/target/uncurl.jar");
        Matcher arguments =
                Pattern.compile("\"application_args\": \\[([^\\]]*)\\]").matcher(printed);
        assertThat(arguments.find()).isTrue();
        isParsed(List.of(arguments
                .group(1)
                .replace("\"", "")
                .replace("{{ ds }}", "2026-11-26")
                .split(", ")));
    }
}
