package dev.uncurl.jobs;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.spark.sql.SparkSession;

/** Properties of Spark, as the files of conf/spark have them. */
final class SparkProperties {
    private static final String HADOOP = "spark.hadoop.";

    private SparkProperties() {}

    /** What a file of conf/spark says. */
    static Map<String, String> of(String name) throws IOException {
        var read = new Properties();
        try (Reader file = Files.newBufferedReader(Path.of("../conf/spark").resolve(name))) {
            read.load(file);
        }
        var all = new TreeMap<String, String>();
        read.forEach((key, value) -> all.put((String) key, (String) value));
        return all;
    }

    /** A new session of an application, with these properties and no other catalog; it becomes the active one. */
    static SparkSession session(SparkSession other, Map<String, String> properties) {
        SparkSession session = other.newSession();
        properties.forEach((key, value) -> {
            if (key.startsWith(HADOOP)) {
                session.sparkContext().hadoopConfiguration().set(key.substring(HADOOP.length()), value);
            } else {
                session.conf().set(key, value);
            }
        });
        session.conf().unset("spark.sql.catalog.uncurl.warehouse");
        use(session);
        return session;
    }

    static void use(SparkSession session) {
        SparkSession.setActiveSession(session);
        SparkSession.setDefaultSession(session);
    }
}
