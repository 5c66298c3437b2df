package dev.uncurl.checkpoint;

import dev.uncurl.error.UserError;
import java.io.FileNotFoundException;
import java.io.IOException;
import org.apache.commons.codec.digest.DigestUtils;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * The files of a model folder as its manifest lists them.
 *
 * @param sha256 of manifest.json
 */
record ManifestFiles(FileSystem fs, Path folder, Manifest manifest, String sha256) {
    static final String MANIFEST = "manifest.json";
    static final String REPAIR =
            "The folder was damaged after it was written: copy it again from its source, or remove it and run the"
                    + " command that writes it again.";

    /** @throws UserError (input) if the folder has no valid manifest and thus is not a finished model */
    static ManifestFiles read(FileSystem fs, Path folder) throws IOException {
        if (ModelStaging.isStaging(folder)) {
            throw UserError.input(
                    folder + " is the staging folder of a model, not a finished model",
                    "Run the command that writes the model again; this folder can be removed.");
        }
        byte[] json = json(fs, folder);
        try {
            return new ManifestFiles(fs, folder, Manifest.parse(json), DigestUtils.sha256Hex(json));
        } catch (IOException e) {
            throw UserError.input(
                    new Path(folder, MANIFEST) + " is not a valid manifest: " + e.getMessage(),
                    "The folder is not a finished model: remove it and run the command that writes it again.",
                    e);
        }
    }

    private static byte[] json(FileSystem fs, Path folder) throws IOException {
        try {
            return Storage.read(fs, new Path(folder, MANIFEST));
        } catch (FileNotFoundException e) {
            if (!fs.exists(folder)) {
                throw UserError.input("There is no model folder " + folder, "Check the path.", e);
            }
            throw UserError.input(
                    folder + " has no valid manifest.json: the folder is not a finished model",
                    "Check the path; or remove the folder and run the command that writes it again.",
                    e);
        }
    }

    /** @throws UserError (input) if a listed file is missing or has another size */
    void checkSizes() throws IOException {
        for (var entry : manifest.files().entrySet()) {
            var file = new Path(folder, entry.getKey());
            long expected = entry.getValue().bytes();
            long bytes;
            try {
                bytes = fs.getFileStatus(file).getLen();
            } catch (FileNotFoundException e) {
                throw UserError.input(file + " is missing, but the manifest lists it", REPAIR, e);
            }
            if (bytes != expected) {
                throw UserError.input(file + " has " + bytes + " bytes, but " + expected + " in the manifest", REPAIR);
            }
        }
    }

    boolean lists(String name) {
        return manifest.files().containsKey(name);
    }

    /** @throws UserError (input) if the manifest does not list the file */
    Path listed(String name) {
        if (!lists(name)) {
            throw UserError.input(new Path(folder, MANIFEST) + " does not list " + name, REPAIR);
        }
        return new Path(folder, name);
    }

    /** @throws UserError (input) if the file is missing or its hash differs from the manifest */
    byte[] content(String name) throws IOException {
        Path file = listed(name);
        byte[] content;
        try {
            content = Storage.read(fs, file);
        } catch (FileNotFoundException e) {
            throw UserError.input(file + " is missing, but the manifest lists it", REPAIR, e);
        }
        checkHash(name, DigestUtils.sha256Hex(content));
        return content;
    }

    /** Reads all files. @throws UserError (input) that names the first file whose hash differs from the manifest */
    void checkHashes() throws IOException {
        for (String name : manifest.files().keySet()) {
            checkHash(name, Storage.hash(fs, new Path(folder, name)).sha256());
        }
    }

    private void checkHash(String name, String found) {
        String written = manifest.files().get(name).sha256();
        if (!found.equals(written)) {
            throw UserError.input(
                    new Path(folder, name) + " has changed since it was written: its SHA-256 is " + found + ", but "
                            + written + " in the manifest",
                    REPAIR);
        }
    }
}
