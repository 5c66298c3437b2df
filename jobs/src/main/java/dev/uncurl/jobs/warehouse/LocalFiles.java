package dev.uncurl.jobs.warehouse;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.attribute.PosixFilePermission;
import java.util.EnumSet;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsAction;
import org.apache.hadoop.fs.permission.FsPermission;

/**
 * Hadoop's local file system, with permissions set by Java. Without its native library, Hadoop's own starts a process
 * ({@code chmod}) for each file and folder that it creates: 180 of them in one tokenise run, half a second.
 */
final class LocalFiles extends LocalFileSystem {
    LocalFiles() {
        super(new Raw());
    }

    /** Uses this class for paths of scheme {@code file}. */
    static void use(Configuration hadoop) {
        String key = "fs.file.impl";
        if (LocalFiles.class.getName().equals(hadoop.get(key))) {
            return;
        }
        try {
            FileSystem.getLocal(hadoop).close(); // removes it from Hadoop's cache, which would return it again
        } catch (IOException e) {
            throw new UncheckedIOException("closing Hadoop's local file system", e);
        }
        hadoop.set(key, LocalFiles.class.getName());
    }

    private static final class Raw extends RawLocalFileSystem {
        @Override
        public void setPermission(Path path, FsPermission permission) throws IOException {
            java.nio.file.Path file = pathToFile(path).toPath();
            if (permission.getStickyBit()
                    || !file.getFileSystem().supportedFileAttributeViews().contains("posix")) {
                super.setPermission(path, permission);
                return;
            }
            Set<PosixFilePermission> granted = EnumSet.noneOf(PosixFilePermission.class);
            grant(granted, permission.getUserAction(), "OWNER_");
            grant(granted, permission.getGroupAction(), "GROUP_");
            grant(granted, permission.getOtherAction(), "OTHERS_");
            Files.setPosixFilePermissions(file, granted);
        }

        private static void grant(Set<PosixFilePermission> granted, FsAction action, String whose) {
            for (FsAction one : new FsAction[] {FsAction.READ, FsAction.WRITE, FsAction.EXECUTE}) {
                if (action.implies(one)) {
                    granted.add(PosixFilePermission.valueOf(whose + one));
                }
            }
        }
    }
}
