package dev.uncurl.jobs;

import java.io.IOException;
import java.lang.reflect.Method;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.util.Progressable;

/**
 * Uncurl in a process of its own that stands still for ever before it makes a certain file, so that a test can kill it
 * just there.
 */
final class StallingUncurl {
    private StallingUncurl() {}

    /** Arguments: the warehouse, a part of the file's path, a file that tells that the process stands, the command. */
    public static void main(String[] arguments) throws ReflectiveOperationException, IOException {
        Configuration hadoop =
                new Cli(Path.of(arguments[0])).open().spark().sparkContext().hadoopConfiguration();
        var files = new LocalFileSystem(new Stalling(arguments[1], Path.of(arguments[2])));
        files.initialize(URI.create("file:///"), hadoop);
        Method put = FileSystem.class.getDeclaredMethod(
                "addFileSystemForTesting", URI.class, Configuration.class, FileSystem.class);
        put.setAccessible(true);
        put.invoke(null, URI.create("file:///"), hadoop, files);
        Uncurl.main(Arrays.copyOfRange(arguments, 3, arguments.length));
    }

    private static final class Stalling extends RawLocalFileSystem {
        private final String part;
        private final Path sign;

        Stalling(String part, Path sign) {
            this.part = part;
            this.sign = sign;
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
            if (file.toString().contains(part)) {
                Files.createFile(sign);
                stand();
            }
            return super.create(file, overwrite, buffer, replication, block, progress);
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
}
