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
 * The tensors of a folder of safetensors files, by name. Which file holds a tensor follows from
 * {@code model.safetensors.index.json} and the files' headers, or from the header of {@code model.safetensors} where
 * there is no index; what a tensor is follows from an {@link Architecture}. A header is read when a tensor of its file is
 * first asked for, and checked: the file holds just the tensors that the index says, each as the architecture has it.
 *
 * <p>Tensors are read by byte range, become {@code float} exactly whatever type they are stored in, and are refused when a
 * value is not finite. Instances are safe for use by several threads.
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
     * @param entries by file, with the sums of tensors that are checked when these are read; files may be missing
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
     * Opens any folder of safetensors files; its other files are not looked at.
     *
     * @throws UserError (input) when there is neither an index nor a {@code model.safetensors}, or it is damaged
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

    /** Names of the files that hold tensors. */
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

    /** @throws IllegalArgumentException when the folder has no tensor of that name */
    public TensorSpec tensor(String name) throws IOException {
        holder(name);
        return specs.get(name);
    }

    /** Reads one tensor, and nothing but its bytes, into {@code into[offset ..]}, row-major. */
    public void read(String tensor, float[] into, int offset) throws IOException {
        holder(tensor).read(tensor, into, offset);
    }

    /** Reads one tensor, and nothing but its bytes, in parts. */
    @Override
    public void read(String tensor, Weights.Values values) throws IOException {
        holder(tensor).read(tensor, values);
    }

    @Override
    public void readAll(List<String> tensors, Function<String, Weights.Values> values) throws IOException {
        for (int from = 0; from < tensors.size(); ) {
            Safetensors file = holder(tensors.get(from));
            try (FSDataInputStream in = file.stream()) {
                for (; from < tensors.size() && holder(tensors.get(from)) == file; from++) {
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
     * Gives {@code writer} the tensor {@code target}, with the bytes of this folder's tensor {@code source} as they are, or
     * converted where the writer has another type for it.
     */
    public void copy(String source, SafetensorsWriter writer, String target) throws IOException {
        holder(source).copy(source, writer, target);
    }

    /**
     * Whether a tensor has, bit for bit, the values of one of another folder after they are converted to its type; both are
     * read as streams.
     */
    public boolean same(String tensor, TensorFolder other, String otherTensor) throws IOException {
        return holder(tensor).same(tensor, other.holder(otherTensor), otherTensor);
    }

    private Safetensors holder(String tensor) throws IOException {
        String file = fileOfTensor.get(tensor);
        if (file == null) {
            throw new IllegalArgumentException("The model has no tensor " + tensor);
        }
        return file(file);
    }

    /** A file with its header, which is read once. */
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
            } catch (UserError userError) {
                throw userError.at(file.file().toString());
            }
        }
        if (file.tensors().size() != indexed.size()) {
            throw UserError.input(
                    file.file() + " holds " + file.tensors().size() + " tensors, by the index of its folder "
                            + indexed.size(),
                    "Index and files are not of one model: copy or produce the folder again.");
        }
    }
}
