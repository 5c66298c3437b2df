package dev.uncurl.jobs.maintain;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.time.Instant;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Removes folders without files from a table. Iceberg's layout for object stores gives most data files three or four folders of their
 * own, and leaves them when it deletes the file, so that their number, and the time to list a table, would grow with every commit. On
 * an object store there are no folders. Elsewhere than on HDFS and local disks they stay: there a folder that gets a file at the same
 * moment might be removed with it.
 */
final class EmptyFolders {
    private final FileSystem files;
    private final Instant before;
    private int removed;

    private EmptyFolders(FileSystem files, Instant before) {
        this.files = files;
        this.before = before;
    }

    /**
     * @param folder stays itself, as do the folders directly in it
     * @param before folders that changed later stay, too
     * @return number of folders that were removed
     */
    static int remove(Path folder, Configuration hadoop, Instant before) {
        try {
            FileSystem files = folder.getFileSystem(hadoop);
            if (!(files instanceof LocalFileSystem) && !files.getScheme().equals("hdfs")) {
                return 0;
            }
            var empty = new EmptyFolders(files, before);
            for (FileStatus top : empty.list(folder)) {
                for (FileStatus inside : top.isDirectory() ? empty.list(top.getPath()) : new FileStatus[0]) {
                    empty.removeIfEmpty(inside);
                }
            }
            return empty.removed;
        } catch (IOException e) {
            throw new UncheckedIOException("removing empty folders from " + folder, e);
        }
    }

    private FileStatus[] list(Path folder) throws IOException {
        try {
            return files.listStatus(folder);
        } catch (FileNotFoundException e) {
            return new FileStatus[0];
        }
    }

    /** @return false if something stays */
    private boolean removeIfEmpty(FileStatus status) throws IOException {
        if (!status.isDirectory()) {
            return false;
        }
        boolean empty = true;
        for (FileStatus inside : list(status.getPath())) {
            empty &= removeIfEmpty(inside);
        }
        if (!empty || status.getModificationTime() >= before.toEpochMilli()) {
            return false;
        }
        boolean gone = delete(status.getPath());
        removed += gone ? 1 : 0;
        return gone;
    }

    /** Deletes a folder only if it is empty at that moment: Hadoop's own local file system would first look, and then delete all. */
    private boolean delete(Path folder) throws IOException {
        if (!(files instanceof LocalFileSystem local)) {
            return files.delete(folder, false);
        }
        try {
            Files.delete(local.pathToFile(folder).toPath());
            return true;
        } catch (DirectoryNotEmptyException e) {
            return false; // a run is writing there
        }
    }
}
