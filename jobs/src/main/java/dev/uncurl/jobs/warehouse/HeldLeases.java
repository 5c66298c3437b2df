package dev.uncurl.jobs.warehouse;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** All leases of a warehouse ({@link OutputLease}): those that are held, and the files that killed runs left. */
final class HeldLeases {
    private static final Pattern LEASE = Pattern.compile("(.+)\\.\\d{1,9}\\.lease");
    private static final String PROBE = ".now";

    private final FileSystem fs;
    private final Path folder;

    HeldLeases(FileSystem fs, Path folder) {
        this.fs = fs;
        this.folder = folder;
    }

    /**
     * A lease that is not over.
     *
     * @param output as {@link PathName} writes its names
     * @param since no later than its process began
     */
    record Held(String output, Instant since) {
        /** Whether one of the names of the output is this one. */
        boolean names(String name) {
            return List.of(output.split("\\+")).contains(PathName.of(name));
        }
    }

    /** The leases of other processes. */
    List<Held> ofOthers() throws IOException {
        var outputs = new TreeSet<String>();
        for (FileStatus status : list()) {
            Matcher lease = LEASE.matcher(status.getPath().getName());
            if (lease.matches()) {
                outputs.add(lease.group(1));
            }
        }
        var held = new ArrayList<Held>();
        for (String output : outputs) {
            var files = new LeaseFiles(fs, folder, output);
            for (LeaseFiles.Found found : files.list()) {
                boolean own = found.holder().map(LeaseHolder::isThisProcess).orElse(false);
                if (!own && !OutputLease.isOver(files, found, OutputLease.Terms.USUAL)) {
                    held.add(new Held(output, since(found)));
                }
            }
        }
        return held;
    }

    private static Instant since(LeaseFiles.Found found) {
        return found.holder()
                .map(LeaseHolder::started)
                .filter(started -> !started.isEmpty())
                .map(Instant::parse)
                .orElse(Instant.EPOCH); // it is being written, or the machine does not say
    }

    /** Files of leases that are over and were last written before an instant. */
    List<FileStatus> over(Instant before) throws IOException {
        var over = new ArrayList<FileStatus>();
        for (FileStatus status : list()) {
            String name = status.getPath().getName();
            boolean old = status.getModificationTime() < before.toEpochMilli();
            if (old && (name.endsWith(PROBE) || LEASE.matcher(name).matches() && isOver(name))) {
                over.add(status);
            }
        }
        return over;
    }

    private boolean isOver(String name) throws IOException {
        Matcher lease = LEASE.matcher(name);
        var files = new LeaseFiles(fs, folder, lease.matches() ? lease.group(1) : name);
        for (LeaseFiles.Found found : files.list()) {
            if (found.path().getName().equals(name)) {
                return OutputLease.isOver(files, found, OutputLease.Terms.USUAL);
            }
        }
        return false; // it is gone
    }

    private FileStatus[] list() throws IOException {
        try {
            return fs.listStatus(folder);
        } catch (FileNotFoundException e) {
            return new FileStatus[0]; // there has never been a lease
        }
    }
}
