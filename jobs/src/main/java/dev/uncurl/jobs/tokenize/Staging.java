package dev.uncurl.jobs.tokenize;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.InputDiff;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.ChecksumException;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * The folder in which the finished units of a run wait for its commit: {@code run.json} with what the run is made from,
 * and per unit its rows and its report. A report appears by one rename, after the rows; without it the unit is not there.
 */
final class Staging {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final String RUN = "run.json";

    private final Path folder;
    private final FileSystem files;

    Staging(String folder, Configuration hadoop) {
        this.folder = new Path(folder);
        try {
            this.files = this.folder.getFileSystem(hadoop);
        } catch (IOException e) {
            throw new UncheckedIOException("opening the file system of " + folder, e);
        }
    }

    /** What the staged units are made from; null when nothing is staged, empty when the record of it is damaged. */
    Map<String, String> inputs() {
        try (var in = files.open(new Path(folder, RUN))) {
            return JSON.readValue(in.readAllBytes(), new TypeReference<TreeMap<String, String>>() {});
        } catch (FileNotFoundException e) {
            return null;
        } catch (JsonProcessingException | ChecksumException e) {
            System.out.println("What is staged in " + folder + " cannot be used: " + RUN + " is damaged.");
            return Map.of();
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + folder, e);
        }
    }

    /** Begins an empty folder for a run. */
    void begin(Map<String, String> inputs) {
        try {
            files.mkdirs(folder);
            publish(RUN, JSON.writeValueAsString(inputs));
        } catch (IOException e) {
            throw new UncheckedIOException("staging in " + folder, e);
        }
    }

    /**
     * Reports of the finished units, by their numbers. A damaged one does not count, nor one whose rows are missing or
     * cut short.
     */
    Map<Integer, UnitReport> finished() {
        var reports = new TreeMap<Integer, UnitReport>();
        try {
            var sizes = new TreeMap<String, Long>();
            FileStatus[] all = files.exists(folder) ? files.listStatus(folder) : new FileStatus[0];
            for (FileStatus status : all) {
                sizes.put(status.getPath().getName(), status.getLen());
            }
            for (String name : sizes.keySet()) {
                if (name.startsWith("unit-") && name.endsWith(".json")) {
                    try (var in = files.open(new Path(folder, name))) {
                        UnitReport report = UnitReport.parse(in.readAllBytes());
                        if (sizes.getOrDefault(report.file(), -1L) == report.fileBytes()) {
                            reports.put(report.unit(), report);
                        }
                    } catch (JsonProcessingException | ChecksumException e) {
                        System.out.println("Of what is staged in " + folder + ", " + name + " is damaged: done anew.");
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + folder, e);
        }
        return reports;
    }

    FileSystem files() {
        return files;
    }

    /** A name for the rows of a unit that no other attempt has. */
    Path newFile(int unit) {
        return new Path(folder, String.format(Locale.ROOT, "unit-%06d-%s.rows", unit, UUID.randomUUID()));
    }

    Path path(UnitReport report) {
        return new Path(folder, report.file());
    }

    /** Makes a unit finished. Of two attempts at it one stays; their rows are the same. */
    UnitReport finish(UnitReport report) throws IOException {
        publish(String.format(Locale.ROOT, "unit-%06d.json", report.unit()), report.json());
        return report;
    }

    private void publish(String name, String content) throws IOException {
        Path temporary = new Path(folder, "." + name + "-" + UUID.randomUUID());
        try (var out = files.create(temporary, true)) {
            out.write(content.getBytes(StandardCharsets.UTF_8));
        }
        Path target = new Path(folder, name);
        if (!files.rename(temporary, target)) {
            files.delete(target, false);
            if (!files.rename(temporary, target)) {
                throw new IOException("Cannot rename " + temporary + " to " + target);
            }
        }
    }

    /** An error (conflict) for file systems without locks: the staged rows may belong to a run that is still active. */
    UserError mayBeInUse(CorpusPlan plan, Map<String, String> staged) {
        return UserError.conflict(
                "Corpus " + plan.name() + ": a run of other inputs has staged its rows in " + folder
                        + ", and may still be active, since this file system has no locks:"
                        + InputDiff.differences(staged, plan.inputs()),
                "Wait for it; if it was killed, delete that folder and run this command again.");
    }

    /** Removes what is staged for a plan whose corpus exists; without locks, rows of other inputs stay. */
    void discardUnlessInUse(boolean alone, CorpusPlan plan) {
        if (alone || plan.inputs().equals(inputs())) {
            discard();
        }
    }

    /** Removes everything staged. */
    void discard() {
        try {
            files.delete(folder, true);
        } catch (IOException e) {
            throw new UncheckedIOException("removing " + folder, e);
        }
    }
}
