package dev.uncurl.jobs.tokenize;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.uncurl.checkpoint.NewFile;
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
 * The folder with the finished units of a run until its commit: {@code run-2.json} with the inputs of the run, and for
 * each unit its rows and its report. A report is published whole, as one file, after the rows are written; a unit without a
 * report does not exist. The caller has the lease of the corpus.
 */
final class Staging {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    /** The number is that of the form of the staged rows: rows of another form are not continued. */
    private static final String RUN = "run-2.json";

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

    /** Returns the inputs of the staged units; null if nothing is staged, empty if {@code run-2.json} is damaged. */
    Map<String, String> inputs() {
        try (var in = files.open(new Path(folder, RUN))) {
            return JSON.readValue(in.readAllBytes(), new TypeReference<TreeMap<String, String>>() {});
        } catch (FileNotFoundException e) {
            return null;
        } catch (JsonProcessingException | ChecksumException e) {
            System.out.println("The staged units in " + folder + " cannot be used: " + RUN + " is damaged.");
            return Map.of();
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + folder, e);
        }
    }

    /** Creates the folder for a new run. */
    void begin(Map<String, String> inputs) {
        try {
            files.mkdirs(folder);
            publish(RUN, JSON.writeValueAsString(inputs));
        } catch (IOException e) {
            throw new UncheckedIOException("staging in " + folder, e);
        }
    }

    /**
     * Returns the reports of the finished units, by number. Skips damaged reports, and reports whose rows are missing
     * or truncated.
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
                        System.out.println("Staged report " + new Path(folder, name)
                                + " is damaged: its unit is tokenised again.");
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

    /** Returns a new path for the rows of a unit, different for each attempt. */
    Path newFile(int unit) {
        return new Path(folder, String.format(Locale.ROOT, "unit-%06d-%s.rows", unit, UUID.randomUUID()));
    }

    Path path(UnitReport report) {
        return new Path(folder, report.file());
    }

    /**
     * Publishes the report of a unit, which makes it finished. If two attempts finish the same unit, one report
     * remains; their rows are equal.
     */
    UnitReport finish(UnitReport report) throws IOException {
        publish(String.format(Locale.ROOT, "unit-%06d.json", report.unit()), report.json());
        return report;
    }

    private void publish(String name, String content) throws IOException {
        var target = new Path(folder, name);
        Path draft = NewFile.draft(files, target);
        try (var out = files.create(draft, true)) {
            out.write(content.getBytes(StandardCharsets.UTF_8));
        }
        NewFile.publish(files, draft, target);
    }

    /** Removes all staged rows. */
    void discard() {
        try {
            files.delete(folder, true);
        } catch (IOException e) {
            throw new UncheckedIOException("removing " + folder, e);
        }
    }
}
