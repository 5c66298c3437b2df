package dev.uncurl.jobs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Where trials have their warehouses: on the local disk, on HDFS or on S3. */
interface StoragePlace extends AutoCloseable {
    /** A file of a jar that driver and executors need for S3 and a catalog's database, and Uncurl does not have. */
    String FURTHER =
            ".*/(hadoop-aws|aws-java-sdk|jmespath|ion-java|jackson-dataformat-cbor|httpc(lient|ore)-4|h2-|postgresql-)[^/]*\\.jar";

    /** The address of a warehouse. */
    String warehouse(String name);

    /** Spark's properties for a warehouse. */
    Map<String, String> properties(String name) throws IOException;

    /** Further jars. */
    default List<String> jars() {
        return List.of();
    }

    @Override
    void close();

    /** @param name local, hdfs or s3 @param folder for files of the servers */
    static StoragePlace named(String name, Path folder) throws IOException, InterruptedException {
        return switch (name) {
            case "local" -> new Local(folder);
            case "hdfs" -> new HdfsServer(folder);
            case "s3" -> new S3Server(folder);
            default -> throw new IllegalArgumentException("a place " + name + "; local, hdfs or s3");
        };
    }

    /**
     * The options of jobs/submit for a warehouse, up to the command: one properties file, as the page on clusters says, and jars.
     *
     * @param file to be written
     * @param settings files of conf/spark
     */
    default String options(Path file, String name, String... settings) throws IOException {
        var lines = new ArrayList<String>();
        for (String setting : settings) {
            lines.addAll(Files.readAllLines(Path.of("../conf/spark").resolve(setting)));
        }
        properties(name).forEach((key, value) -> lines.add(key + " " + value));
        Files.write(file, lines);
        return " --properties-file " + file + (jars().isEmpty() ? "" : " --jars " + String.join(",", jars()));
    }

    /** The jars of this process that {@link #FURTHER} describes. */
    static List<String> furtherJars() {
        return Arrays.stream(System.getProperty("java.class.path").split(":"))
                .filter(file -> file.matches(FURTHER))
                .distinct()
                .collect(Collectors.toList());
    }

    /** Folders of this machine. */
    record Local(Path folder) implements StoragePlace {
        @Override
        public String warehouse(String name) {
            return folder.resolve(name).toString();
        }

        @Override
        public Map<String, String> properties(String name) {
            return Map.of();
        }

        @Override
        public void close() {}
    }
}
