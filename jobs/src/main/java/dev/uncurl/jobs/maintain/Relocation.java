package dev.uncurl.jobs.maintain;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.Location;
import dev.uncurl.jobs.warehouse.TableDamage;
import dev.uncurl.jobs.warehouse.UncurlTable;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.avro.generic.GenericRecord;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableMetadataParser;

/**
 * Changes the paths in the metadata of a table that was copied or moved to its present folder: writes new manifests and
 * manifest lists with the new paths, and commits them by one new metadata file. All snapshots stay. Reads and writes
 * nothing outside the folder, and changes no existing file. When it is killed before the commit, the table is unchanged,
 * and some new files belong to no snapshot.
 */
final class Relocation {
    private static final Pattern VERSION = Pattern.compile("v(\\d+)(\\.gz)?\\.metadata\\.json(\\.gz)?");
    private static final List<String> PATH_PROPERTIES =
            List.of("write.data.path", "write.metadata.path", "write.object-storage.path", "write.folder-storage.path");
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final int DELETED = 2;

    private final UncurlTable table;
    private final TableMetadata metadata;
    private final Configuration hadoop;
    private final FileSystem files;
    private final Path folder;
    private final String from;
    private final String to;
    private final String token = UUID.randomUUID().toString();
    private final Map<String, Path> written = new HashMap<>();

    /** @param folder where the table is now */
    Relocation(UncurlTable table, TableMetadata metadata, Path folder, Configuration hadoop) throws IOException {
        this.table = table;
        this.metadata = metadata;
        this.hadoop = hadoop;
        this.files = folder.getFileSystem(hadoop);
        this.from = Location.of(metadata.location(), hadoop);
        this.to = Location.of(folder.toString(), hadoop);
        this.folder = new Path(to);
    }

    /** @throws UserError (input) when a file that the table needs is not in its folder */
    void run() throws IOException {
        var tree = (ObjectNode) JSON.readTree(TableMetadataParser.toJson(metadata));
        tree.put("location", to);
        long newest = tree.path("current-snapshot-id").asLong(-1);
        for (boolean current : new boolean[] {true, false}) {
            for (JsonNode snapshot : tree.withArray("snapshots")) {
                if (current == (snapshot.get("snapshot-id").asLong() == newest)) {
                    Path list = list(snapshot.get("manifest-list").asText(), current);
                    ((ObjectNode) snapshot).put("manifest-list", list.toString());
                }
            }
        }
        change(tree.path("metadata-log"), "metadata-file");
        change(tree.path("statistics"), "statistics-path");
        change(tree.path("partition-statistics"), "statistics-path");
        JsonNode properties = tree.path("properties");
        PATH_PROPERTIES.stream().filter(properties::has).forEach(key -> change(properties, key));
        String json = JSON.writeValueAsString(tree);
        TableMetadataParser.fromJson(json); // throws when Iceberg cannot read it
        commit(json);
    }

    private void change(JsonNode objects, String key) {
        if (objects.isArray()) {
            objects.forEach(object -> change(object, key));
        } else {
            ((ObjectNode) objects).put(key, moved(objects.get(key).asText()));
        }
    }

    /** Maps a path in the old folder to the new one; other paths are unchanged. */
    private String moved(String path) {
        String place = Location.of(path, hadoop);
        return Location.isWithin(from, place) ? to + place.substring(from.length()) : path;
    }

    /** The present path of a metadata file, which must exist; the old folder is never read. */
    private Path here(String path) throws IOException {
        var place = new Path(moved(path));
        if (!Location.isWithin(to, Location.of(place.toString(), hadoop)) || !files.exists(place)) {
            throw missing(path, place);
        }
        return place;
    }

    private UserError missing(String path, Path place) {
        return UserError.input(
                "Table " + table.id() + " needs " + path + ", which is not here as " + place,
                "The copy is incomplete, or was changed before it was relocated: copy that file here, or the whole"
                        + " warehouse again, and run this command again.");
    }

    private Path list(String path, boolean current) throws IOException {
        return write(path, record -> {
            String manifest = record.get("manifest_path").toString();
            boolean deletes =
                    record.hasField("content") && record.get("content").equals(1);
            Path copy = written.get(manifest);
            if (copy == null) {
                copy = write(manifest, entry -> entry(entry, deletes, current));
                written.put(manifest, copy);
            }
            record.put("manifest_path", copy.toString());
            record.put("manifest_length", files.getFileStatus(copy).getLen());
        });
    }

    private void entry(GenericRecord entry, boolean deletes, boolean current) throws IOException {
        var file = (GenericRecord) entry.get("data_file");
        String format = file.get("file_format").toString();
        if (deletes && file.get("content").equals(1) && !format.equalsIgnoreCase("puffin")) {
            throw UserError.input(
                    "Table " + table.id() + " has files of row-level deletes, which contain paths themselves",
                    "In the original warehouse, run Iceberg's procedure rewrite_data_files with"
                            + " 'delete-file-threshold' = '1', and copy the warehouse again.");
        }
        String path = file.get("file_path").toString();
        String here = moved(path);
        file.put("file_path", here);
        if (file.hasField("referenced_data_file") && file.get("referenced_data_file") != null) {
            file.put(
                    "referenced_data_file",
                    moved(file.get("referenced_data_file").toString()));
        }
        if (current && !entry.get("status").equals(DELETED)) {
            requireWhole(path, new Path(here), (Long) file.get("file_size_in_bytes"));
        }
    }

    private void requireWhole(String path, Path here, long bytes) throws IOException {
        FileSystem of = here.getFileSystem(hadoop);
        if (!of.exists(here) || of.getFileStatus(here).getLen() != bytes) {
            throw missing(path + " (" + bytes + " bytes)", here);
        }
    }

    private interface Change {
        void apply(GenericRecord record) throws IOException;
    }

    /** Copies a metadata file, with changes, to a new name. */
    private Path write(String path, Change change) throws IOException {
        Path source = here(path);
        var target = new Path(folder, "metadata/" + token + "-" + source.getName());
        try (var in = files.open(source);
                OutputStream out = files.create(target, true)) {
            AvroPaths.copy(in, out, record -> {
                try {
                    change.apply(record);
                } catch (IOException e) {
                    throw new UncheckedIOException("changing a record of " + source, e);
                }
            });
        } catch (UserError e) {
            throw e;
        } catch (RuntimeException | IOException e) {
            throw TableDamage.file(source, e);
        }
        return target;
    }

    /** Commits the next version of the metadata, numbered as in Iceberg's Hadoop tables. */
    private void commit(String json) throws IOException {
        Matcher version = VERSION.matcher(new Path(metadata.metadataFileLocation()).getName());
        if (!version.matches()) {
            throw new IllegalStateException("Not a version of a Hadoop table: " + metadata.metadataFileLocation());
        }
        var target = new Path(folder, "metadata/v" + (Integer.parseInt(version.group(1)) + 1) + ".metadata.json");
        var temporary = new Path(folder, "metadata/" + token + ".metadata.json");
        try (OutputStream out = files.create(temporary, true)) {
            out.write(json.getBytes(StandardCharsets.UTF_8));
        }
        if (files.exists(target) || !files.rename(temporary, target)) {
            throw UserError.conflict(
                    "Another run has changed table " + table.id() + " meanwhile: " + target + " exists",
                    "Wait for that run, then run this command again.");
        }
    }
}
