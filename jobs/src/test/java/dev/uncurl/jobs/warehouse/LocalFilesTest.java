package dev.uncurl.jobs.warehouse;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.attribute.PosixFilePermissions;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LocalFilesTest {
    @TempDir
    java.nio.file.Path folder;

    @Test
    void permissionsAreThoseThatHadoopSets() throws IOException {
        var ours = new Configuration();
        LocalFiles.use(ours);
        FileSystem files = FileSystem.newInstance(folder.toUri(), ours);
        assertThat(files).isInstanceOf(LocalFiles.class);
        FileSystem hadoops = FileSystem.newInstance(folder.toUri(), new Configuration());
        for (int mode : new int[] {0644, 0600, 0755, 0751, 0400}) {
            for (FileSystem system : new FileSystem[] {files, hadoops}) {
                Path path = new Path(folder.toString(), system.getClass().getSimpleName() + mode);
                system.create(path).close();
                system.setPermission(path, new FsPermission((short) mode));
            }
            assertThat(permissions("LocalFiles" + mode)).isEqualTo(permissions("LocalFileSystem" + mode));
        }
    }

    @Test
    void theOneThatHadoopHasCachedIsReplaced() throws IOException {
        var hadoop = new Configuration();
        new Path(folder.toString()).getFileSystem(hadoop);
        LocalFiles.use(hadoop);
        assertThat(new Path("file:" + folder).getFileSystem(hadoop)).isInstanceOf(LocalFiles.class);
    }

    private String permissions(String file) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve(file)));
    }
}
