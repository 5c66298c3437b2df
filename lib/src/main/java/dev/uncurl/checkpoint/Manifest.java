package dev.uncurl.checkpoint;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.io.Serializable;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * {@code manifest.json}: the files and the lineage of a finished model folder. It is written last; a folder without it is not a
 * model. It contains no time, so that the same work gives the same manifest.
 *
 * @param format version of this record, {@value #FORMAT}
 * @param parameters number of parameters of the model
 * @param files all other files of the folder, by name
 * @param lineage how the model was made
 */
public record Manifest(int format, long parameters, SortedMap<String, Entry> files, Lineage lineage) {
    public static final int FORMAT = 1;

    /**
     * One file.
     *
     * @param sha256 of all its bytes, in lower-case hexadecimal digits
     * @param tensors CRC-32C of the bytes of each tensor, by name, with which a read of a single tensor is checked; empty if
     *     the file has no tensors
     */
    public record Entry(
            long bytes, String sha256, @JsonInclude(JsonInclude.Include.NON_EMPTY) SortedMap<String, String> tensors)
            implements Serializable {
        public Entry {
            tensors = tensors == null ? new TreeMap<>() : new TreeMap<>(tensors);
        }

        Entry(long bytes, String sha256) {
            this(bytes, sha256, null);
        }
    }

    private static final ObjectMapper JSON = new ObjectMapper()
            .enable(SerializationFeature.INDENT_OUTPUT)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    public Manifest {
        files = Collections.unmodifiableSortedMap(new TreeMap<>(files));
    }

    byte[] toJson() throws JsonProcessingException {
        return JSON.writeValueAsBytes(this);
    }

    /** @throws IOException if the bytes are not a valid manifest; its message is for users */
    static Manifest parse(byte[] json) throws IOException {
        Manifest manifest;
        try {
            manifest = JSON.readValue(json, Manifest.class);
        } catch (JsonProcessingException e) {
            throw new IOException(e.getOriginalMessage(), e);
        }
        if (manifest == null || manifest.format != FORMAT) {
            throw new IOException("its format is not " + FORMAT + ", which this version requires");
        }
        if (manifest.files.isEmpty() || manifest.lineage == null) {
            throw new IOException("it lists no files or has no lineage");
        }
        for (var file : manifest.files.entrySet()) {
            boolean plainName = file.getKey().matches("[A-Za-z0-9][A-Za-z0-9._-]*");
            Entry entry = file.getValue();
            if (!plainName || entry.bytes < 0 || entry.sha256 == null || !entry.sha256.matches("[0-9a-f]{64}")) {
                throw new IOException("its entry for " + file.getKey() + " is not valid");
            }
        }
        return manifest;
    }
}
