package dev.uncurl.jobs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/** A folder for SPARK_HOME: jars, and scripts that start Spark's own launcher as those of a distribution do. */
final class SparkDistribution {
    /** What bin/spark-submit writes to standard error first. */
    static final String SIGN = "spark-submit of the distribution";

    private SparkDistribution() {}

    /** @param classpath a file that names the jars */
    static Path make(Path home, Path classpath) throws IOException {
        Files.createDirectories(home.resolve("bin"));
        Files.createDirectories(home.resolve("jars"));
        for (String jar : Files.readString(classpath).strip().split(":")) {
            Path file = Path.of(jar);
            Files.createSymbolicLink(home.resolve("jars").resolve(file.getFileName()), file);
        }
        // the launcher answers with a newline and the parts of a command, an empty one before and after it a null byte
        // each
        script(
                home.resolve("bin/spark-submit"),
                """
                echo "%s" >&2
                export SPARK_SCALA_VERSION=2.12
                mapfile -d '' -t command < <(java -cp "$SPARK_HOME/jars/*" \\
                  org.apache.spark.launcher.Main org.apache.spark.deploy.SparkSubmit "$@")
                exec "${command[1]#$'\\n'}" "${command[@]:2}"
                """
                        .formatted(SIGN));
        script(
                home.resolve("bin/spark-sql"),
                """
                exec "$SPARK_HOME/bin/spark-submit" --name "Spark SQL CLI" \\
                  --class org.apache.spark.sql.hive.thriftserver.SparkSQLCLIDriver "$@"
                """);
        return home;
    }

    private static void script(Path file, String text) throws IOException {
        Files.writeString(file, "#!/usr/bin/env bash\n" + text);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
}
