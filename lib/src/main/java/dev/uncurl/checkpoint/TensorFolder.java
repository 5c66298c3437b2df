package dev.uncurl.checkpoint;

import dev.uncurl.error.UserError;
import dev.uncurl.model.Weights;
import dev.uncurl.model.spec.Architecture;
import dev.uncurl.model.spec.TensorSpec;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * The tensors of a folder of safetensors files, by name. {@code model.safetensors.index.json} gives the file of each tensor; a
 * folder without an index has the single file {@code model.safetensors}. An {@link Architecture} gives the role of each tensor.
 * The header of a file is read when one of its tensors is first used. It must contain exactly the tensors that the index lists,
 * with the shapes of the architecture.
 *
 * <p>Tensors are read by byte range and converted to {@code float} exactly. A tensor with a value that is not finite is rejected.
 * Instances are thread-safe.
 */
public final class TensorFolder implements Weights {
    private final FileSystem fs;
    private final Path dir;
    private final Architecture architecture;
    private final Map<String, String> fileOfTensor;
    private final Map<String, List<String>> tensorsOfFile = new LinkedHashMap<>();
    private final Map<Integer, List<String>> tensorsOfLayer = new HashMap<>();
    private final Map<String, Manifest.Entry> entries;
    private final Map<String, Safetensors> headers = new ConcurrentHashMap<>();
    private final Map<String, TensorSpec> specs = new ConcurrentHashMap<>();

    /**
     * @param fileOfTensor in the order of {@link #names}
     * @param entries by file, with the checksums of tensors, which are checked on read; not all files must have an entry
     */
    TensorFolder(
            FileSystem fs,
            Path dir,
            Architecture architecture,
            Map<String, String> fileOfTensor,
            Map<String, Manifest.Entry> entries) {
        this.fs = fs;
        this.dir = dir;
        this.architecture = architecture;
        this.fileOfTensor = fileOfTensor;
        this.entries = entries;
        fileOfTensor.forEach((tensor, file) -> {
            tensorsOfFile.computeIfAbsent(file, key -> new ArrayList<>()).add(tensor);
            tensorsOfLayer
                    .computeIfAbsent(architecture.layer(tensor), key -> new ArrayList<>())
                    .add(tensor);
        });
    }

    /**
     * Opens any folder of safetensors files; ignores its other files.
     *
     * @throws UserError (input) if there is neither an index nor a {@code model.safetensors}, or it is damaged
     */
    public static TensorFolder open(FileSystem fs, Path dir, Architecture architecture) throws IOException {
        FileSystem plain = Storage.plain(fs);
        Path folder = Storage.folder(plain, dir);
        var index = new Path(folder, TensorIndex.FILE);
        Map<String, String> files = plain.exists(index)
                ? TensorIndex.read(index, Storage.read(plain, index))
                : TensorIndex.single(plain, folder);
        return new TensorFolder(plain, folder, architecture, files, Map.of());
    }

    public Path dir() {
        return dir;
    }

    /** Names of all tensors, in the order of the index. */
    public Set<String> names() {
        return fileOfTensor.keySet();
    }

    /** Names of the files with tensors. */
    Set<String> files() {
        return tensorsOfFile.keySet();
    }

    /** All tensors, in the order of {@link #names}; reads the headers of all files. */
    public List<TensorSpec> tensors() throws IOException {
        var tensors = new ArrayList<TensorSpec>();
        for (String name : names()) {
            tensors.add(tensor(name));
        }
        return tensors;
    }

    /**
     * The tensors of one block, in the order of {@link #names}; reads the headers of their files.
     *
     * @param layer counted from 0, or {@link TensorSpec#NONE} for the tensors that belong to no block
     */
    public List<TensorSpec> tensors(int layer) throws IOException {
        var tensors = new ArrayList<TensorSpec>();
        for (String name : tensorsOfLayer.getOrDefault(layer, List.of())) {
            tensors.add(tensor(name));
        }
        return tensors;
    }

    /** @throws IllegalArgumentException if the folder has no tensor of this name */
    public TensorSpec tensor(String name) throws IOException {
        fileOf(name);
        return specs.get(name);
    }

    /** Reads one tensor by byte range into {@code into[offset ..]}, row-major. */
    public void read(String tensor, float[] into, int offset) throws IOException {
        fileOf(tensor).read(tensor, into, offset);
    }

    /** Reads one tensor by byte range, in parts. */
    @Override
    public void read(String tensor, Weights.Values values) throws IOException {
        fileOf(tensor).read(tensor, values);
    }

    @Override
    public void readAll(List<String> tensors, Function<String, Weights.Values> values) throws IOException {
        for (int from = 0; from < tensors.size(); ) {
            Safetensors file = fileOf(tensors.get(from));
            try (FSDataInputStream in = file.stream()) {
                for (; from < tensors.size() && fileOf(tensors.get(from)) == file; from++) {
                    String name = tensors.get(from);
                    file.read(in, file.tensor(name), values.apply(name));
                }
            }
        }
    }

    /** Reads one tensor, row-major. */
    public float[] read(String tensor) throws IOException {
        float[] values = new float[Math.toIntExact(tensor(tensor).length())];
        read(tensor, values, 0);
        return values;
    }

    /**
     * Writes tensor {@code source} of this folder as tensor {@code target} of {@code writer}: its bytes if both have the same
     * type, otherwise its converted values.
     */
    public void copy(String source, SafetensorsWriter writer, String target) throws IOException {
        fileOf(source).copy(source, writer, target);
    }

    /**
     * Whether a tensor equals, bit for bit, a tensor of another folder after conversion to this tensor's type. Both are read in
     * parts.
     */
    public boolean same(String tensor, TensorFolder other, String otherTensor) throws IOException {
        return fileOf(tensor).same(tensor, other.fileOf(otherTensor), otherTensor);
    }

    private Safetensors fileOf(String tensor) throws IOException {
        String file = fileOfTensor.get(tensor);
        if (file == null) {
            throw new IllegalArgumentException("The model has no tensor " + tensor);
        }
        return file(file);
    }

    /** A file of the folder; its header is read once. */
    Safetensors file(String name) throws IOException {
        Safetensors known = headers.get(name);
        if (known != null) {
            return known;
        }
        var path = new Path(dir, name);
        Safetensors file = entries.containsKey(name)
                ? Safetensors.open(fs, path, entries.get(name).tensors())
                : Safetensors.open(fs, path);
        describe(name, file);
        headers.put(name, file);
        return file;
    }

    private void describe(String name, Safetensors file) {
        List<String> indexed = tensorsOfFile.get(name);
        for (String tensor : indexed) {
            Safetensors.Tensor found = file.tensor(tensor);
            try {
                specs.put(tensor, architecture.describe(tensor, found.shape(), found.dtype()));
            } catch (UserError e) {
                throw e.at(file.file().toString());
            }
        }
        if (file.tensors().size() != indexed.size()) {
            throw UserError.input(
                    file.file() + " has " + file.tensors().size() + " tensors, but the index of its folder lists "
                            + indexed.size(),
                    "Index and files belong to different models: copy or produce the folder again.");
        }
    }
}
