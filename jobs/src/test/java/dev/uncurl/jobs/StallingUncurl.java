package dev.uncurl.jobs;

import java.io.IOException;
import java.lang.reflect.Method;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.apache.commons.io.FileUtils;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.CreateFlag;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Options;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.fs.s3a.S3AFileSystem;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.util.Progressable;

/**
 * Uncurl in a process of its own that stands still for ever before it makes a certain file, so that a test can kill it
 * just there.
 */
public final class StallingUncurl {
    private StallingUncurl() {}

    /** Runs a command in a process of its own until it is about to make a file whose path has a match, and kills it. */
    public static void kill(Cli cli, String path, String command) throws IOException, InterruptedException {
        kill(cli, path, command, Map.of());
    }

    /** As above, with properties of Spark. */
    static void kill(Cli cli, String path, String command, Map<String, String> properties)
            throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory("killed");
        Path stands = folder.resolve("stands");
        Path output = folder.resolve("output");
        var line = new ArrayList<String>();
        line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        // it ends before the second compiler would pay
        line.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
        line.addAll(List.of("-Xmx1g", "-Dorg.bytedeco.javacpp.maxbytes=1g", "@../conf/spark/java17.options"));
        line.add("-Dlog4j2.configurationFile=../conf/spark/log4j2.properties");
        properties.forEach((key, value) -> line.add("-D" + key + "=" + value));
        line.addAll(List.of("-cp", System.getProperty("java.class.path"), StallingUncurl.class.getName()));
        line.addAll(List.of(cli.place(), path, stands.toString()));
        line.addAll(List.of(command.split(" ")));
        line.addAll(List.of("--warehouse", cli.place()));
        Process process = new ProcessBuilder(line)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(10);
            while (!Files.exists(stands)) {
                if (!process.isAlive() || System.nanoTime() > end) {
                    throw new AssertionError("It was to be killed, but ended or hangs: " + Files.readString(output));
                }
                Thread.sleep(20);
            }
        } finally {
            process.destroyForcibly().waitFor();
            FileUtils.deleteDirectory(folder.toFile());
        }
        if (process.exitValue() != 128 + 9) {
            throw new AssertionError("It was not killed: " + process.exitValue());
        }
    }

    /** Arguments: the warehouse, a regular expression for the file's path, a file that is created when the process waits, the command. */
    public static void main(String[] arguments) throws ReflectiveOperationException, IOException {
        Configuration hadoop = new Cli(arguments[0]).session().sparkContext().hadoopConfiguration();
        var place = new org.apache.hadoop.fs.Path(arguments[0]).toUri();
        var stall = new Stall(Pattern.compile(arguments[1]), Path.of(arguments[2]));
        URI uri = place.getScheme() == null ? URI.create("file:///") : place;
        FileSystem files =
                switch (uri.getScheme()) {
                    case "hdfs" -> new StallingHdfs(stall);
                    case "s3a" -> new StallingS3(stall);
                    default -> new LocalFileSystem(new Stalling(stall));
                };
        files.initialize(uri, hadoop);
        Method put = FileSystem.class.getDeclaredMethod(
                "addFileSystemForTesting", URI.class, Configuration.class, FileSystem.class);
        put.setAccessible(true);
        put.invoke(null, uri, hadoop, files);
        Uncurl.main(Arrays.copyOfRange(arguments, 3, arguments.length));
    }

    /**
     * Where the process stands still.
     *
     * @param path of the file, a part of it
     * @param sign a file that says so
     */
    private record Stall(Pattern path, Path sign) {
        void waitBefore(org.apache.hadoop.fs.Path file) throws IOException {
            if (path.matcher(file.toString()).find()) {
                Files.createFile(sign);
                stand();
            }
        }

        private static void stand() {
            while (true) {
                try {
                    Thread.sleep(Long.MAX_VALUE);
                } catch (InterruptedException e) {
                    // nothing but a kill ends this
                }
            }
        }
    }

    private static final class Stalling extends RawLocalFileSystem {
        private final Stall stall;

        Stalling(Stall stall) {
            this.stall = stall;
        }

        @Override
        public FSDataOutputStream create(
                org.apache.hadoop.fs.Path file,
                boolean overwrite,
                int buffer,
                short replication,
                long block,
                Progressable progress)
                throws IOException {
            stall.waitBefore(file);
            return super.create(file, overwrite, buffer, replication, block, progress);
        }

        @Override
        public FSDataOutputStream create(
                org.apache.hadoop.fs.Path file,
                FsPermission permission,
                boolean overwrite,
                int buffer,
                short replication,
                long block,
                Progressable progress)
                throws IOException {
            stall.waitBefore(file);
            return super.create(file, permission, overwrite, buffer, replication, block, progress);
        }
    }

    private static final class StallingHdfs extends DistributedFileSystem {
        private final Stall stall;

        StallingHdfs(Stall stall) {
            this.stall = stall;
        }

        @Override
        public FSDataOutputStream create(
                org.apache.hadoop.fs.Path file,
                FsPermission permission,
                EnumSet<CreateFlag> flags,
                int buffer,
                short replication,
                long block,
                Progressable progress,
                Options.ChecksumOpt checksum)
                throws IOException {
            stall.waitBefore(file);
            return super.create(file, permission, flags, buffer, replication, block, progress, checksum);
        }
    }

    private static final class StallingS3 extends S3AFileSystem {
        private final Stall stall;

        StallingS3(Stall stall) {
            this.stall = stall;
        }

        @Override
        public FSDataOutputStream create(
                org.apache.hadoop.fs.Path file,
                FsPermission permission,
                boolean overwrite,
                int buffer,
                short replication,
                long block,
                Progressable progress)
                throws IOException {
            stall.waitBefore(file);
            return super.create(file, permission, overwrite, buffer, replication, block, progress);
        }
    }
}
