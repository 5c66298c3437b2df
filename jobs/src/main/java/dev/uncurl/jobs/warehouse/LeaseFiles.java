package dev.uncurl.jobs.warehouse;

import dev.uncurl.checkpoint.NewFile;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;

/**
 * The files {@code <output>.<number>.lease} of one output. The one with the highest number counts: whoever takes over from a dead
 * run creates the next number, which only one can do.
 */
final class LeaseFiles {
    private final FileSystem fs;
    private final Path folder;
    private final String output;
    private final Pattern name;

    /**
     * @param folder of all leases; need not exist
     * @param output the name of the output as a file name
     */
    LeaseFiles(FileSystem fs, Path folder, String output) {
        this.fs = fs instanceof LocalFileSystem local ? local.getRawFileSystem() : fs; // without files of checksums
        this.folder = folder;
        this.output = output;
        this.name = Pattern.compile(Pattern.quote(output) + "\\.(\\d{1,9})\\.lease");
    }

    /**
     * A lease's file.
     *
     * @param holder empty while the file is being written
     * @param renewedMillis when the file was written, by the clock of the storage
     */
    record Found(int number, Path path, Optional<LeaseHolder> holder, long renewedMillis) {
        boolean isOf(LeaseHolder other) {
            return holder.equals(Optional.of(other));
        }
    }

    Path path(int number) {
        return new Path(folder, output + "." + number + ".lease");
    }

    /** All files, the newest number first. */
    List<Found> list() throws IOException {
        var found = new ArrayList<Found>();
        try {
            for (FileStatus status : fs.listStatus(folder)) {
                Matcher matcher = name.matcher(status.getPath().getName());
                if (matcher.matches()) {
                    find(Integer.parseInt(matcher.group(1)), status).ifPresent(found::add);
                }
            }
        } catch (FileNotFoundException e) {
            return List.of(); // there has never been a lease
        }
        found.sort(Comparator.comparing(Found::number).reversed());
        return found;
    }

    private Optional<Found> find(int number, FileStatus status) throws IOException {
        try (var in = fs.open(status.getPath())) {
            Optional<LeaseHolder> holder = LeaseHolder.parse(in.readAllBytes());
            return Optional.of(new Found(number, status.getPath(), holder, status.getModificationTime()));
        } catch (FileNotFoundException e) {
            return Optional.empty(); // deleted since it was listed
        }
    }

    /** @return false if the file exists */
    boolean create(int number, LeaseHolder holder) throws IOException {
        return NewFile.create(fs, path(number), holder.json());
    }

    /** Writes the file again, which renews the lease. */
    void renew(int number, LeaseHolder holder) throws IOException {
        try (var out = fs.create(path(number), true)) {
            out.write(holder.json());
        }
    }

    void delete(Found lease) throws IOException {
        fs.delete(lease.path(), false);
    }

    /** How long ago a lease was renewed. Both times are of the storage's clock: those of machines may differ. */
    Duration age(Found lease) throws IOException {
        var probe = new Path(folder, output + "." + UUID.randomUUID() + ".now");
        try {
            fs.create(probe, true).close();
            return Duration.ofMillis(fs.getFileStatus(probe).getModificationTime() - lease.renewedMillis());
        } finally {
            fs.delete(probe, false);
        }
    }
}
