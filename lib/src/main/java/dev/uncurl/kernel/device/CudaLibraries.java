package dev.uncurl.kernel.device;

import com.sun.jna.NativeLibrary;
import dev.uncurl.error.UserError;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Finds CUDA's shared libraries at run time. Places, in this order: the folder of system property {@value #FOLDER}; where the
 * dynamic linker looks (LD_LIBRARY_PATH, ldconfig); CUDA_HOME and CUDA_PATH; /usr/local/cuda*; the folders in which pip puts
 * NVIDIA's packages, of each python3 on PATH; and where containers mount a driver.
 */
final class CudaLibraries {
    /** System property: a folder to look in first. */
    static final String FOLDER = "uncurl.cuda.libraries";

    /** Versions of CUDA whose libraries are used, the newest first. */
    private static final int NEWEST = 13;

    private static final int OLDEST = 12;

    private final List<Path> folders;
    private final boolean onlyFolders;

    /** @param onlyFolders whether to leave out the dynamic linker's own places */
    CudaLibraries(List<Path> folders, boolean onlyFolders) {
        this.folders = List.copyOf(folders);
        this.onlyFolders = onlyFolders;
    }

    /** The places of this machine. */
    static CudaLibraries here() {
        String own = System.getProperty(FOLDER, "");
        if (!own.isEmpty()) {
            return new CudaLibraries(List.of(Path.of(own)), true);
        }
        return new CudaLibraries(folders(System.getenv()), false);
    }

    static List<Path> folders(Map<String, String> environment) {
        Set<Path> folders = new LinkedHashSet<>();
        for (String variable : new String[] {"CUDA_HOME", "CUDA_PATH"}) {
            String home = environment.getOrDefault(variable, "");
            if (!home.isEmpty()) {
                toolkit(Path.of(home), folders);
            }
        }
        toolkit(Path.of("/usr/local/cuda"), folders);
        children(Path.of("/usr/local"), "cuda-*").forEach(home -> toolkit(home, folders));
        for (String entry : environment.getOrDefault("PATH", "").split(File.pathSeparator)) {
            Path python = Path.of(entry, "python3");
            if (!entry.isEmpty() && Files.isExecutable(python)) {
                wheels(Path.of(entry).resolveSibling("lib"), folders);
            }
        }
        folders.add(Path.of("/usr/local/nvidia/lib64"));
        folders.add(Path.of("/usr/lib/wsl/lib"));
        return List.copyOf(folders);
    }

    private static void toolkit(Path home, Set<Path> folders) {
        folders.add(home.resolve("lib64"));
        folders.add(home.resolve("targets/x86_64-linux/lib"));
    }

    /** lib/python3.12/site-packages/nvidia/cu13/lib, or .../nvidia/cublas/lib in the packages for CUDA 12. */
    private static void wheels(Path lib, Set<Path> folders) {
        for (Path python : children(lib, "python3*")) {
            for (String packages : new String[] {"site-packages", "dist-packages"}) {
                for (Path part : children(python.resolve(packages).resolve("nvidia"), "*")) {
                    folders.add(part.resolve("lib"));
                }
            }
        }
    }

    private static List<Path> children(Path folder, String pattern) {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        var found = new ArrayList<Path>();
        try (var entries = Files.newDirectoryStream(folder, pattern)) {
            entries.forEach(found::add);
        } catch (IOException e) {
            return List.of(); // a folder that cannot be listed has no libraries to offer
        }
        found.sort(null);
        return found;
    }

    NativeLibrary driver() {
        var library = open("libcuda.so.1");
        if (library == null) {
            throw UserError.usage(
                    "This machine has no NVIDIA driver: libcuda.so.1 is not in " + places(),
                    "Run on a machine with an NVIDIA GPU and driver 525 or later, or use the CPU; in a container, pass the GPU on"
                            + " (docker run --gpus all).");
        }
        return library;
    }

    /**
     * @param name such as {@code cublas}
     * @param driver the newest version of CUDA that the driver supports, such as 12
     */
    NativeLibrary open(String name, int driver) {
        int newest = Math.min(NEWEST, driver);
        for (int version = newest; version >= OLDEST; version--) {
            NativeLibrary library = open("lib" + name + ".so." + version);
            if (library != null) {
                return library;
            }
        }
        if (newest < OLDEST) {
            throw UserError.usage(
                    "The NVIDIA driver supports CUDA " + driver + "; version " + OLDEST + " or later is needed",
                    "Install driver 525 or later, or use the CPU.");
        }
        String wanted = newest == OLDEST ? String.valueOf(OLDEST) : OLDEST + " or " + newest;
        throw UserError.usage(
                "lib" + name + ".so of CUDA " + wanted + " is not in " + places(),
                "Install it (pip install nvidia-" + (name.equals("nvrtc") ? "cuda-nvrtc" : name) + "-cu" + OLDEST
                        + ", or the CUDA toolkit), set CUDA_HOME or LD_LIBRARY_PATH, or give its folder by -D" + FOLDER
                        + "; or use the CPU.");
    }

    /** @throws UserError (usage) if it is nowhere */
    NativeLibrary nccl() {
        NativeLibrary library = open("libnccl.so.2");
        if (library == null) {
            throw UserError.usage(
                    "libnccl.so.2 is not in " + places(),
                    "Install it (pip install nvidia-nccl-cu" + NEWEST + ", or -cu" + OLDEST
                            + "), or give its folder by LD_LIBRARY_PATH or -D" + FOLDER + ".");
        }
        return library;
    }

    /** Null if it is nowhere. */
    private NativeLibrary open(String file) {
        if (!onlyFolders) {
            try {
                return NativeLibrary.getInstance(file);
            } catch (UnsatisfiedLinkError notOnTheLinkersPath) {
                // the folders are tried next
            }
        }
        for (Path folder : folders) {
            if (Files.exists(folder.resolve(file))) {
                return load(folder, file);
            }
        }
        return null;
    }

    private static NativeLibrary load(Path folder, String file) {
        try {
            for (Path needed : needed(folder, file)) {
                NativeLibrary.getInstance(needed.toString());
            }
            return NativeLibrary.getInstance(folder.resolve(file).toString());
        } catch (UnsatisfiedLinkError e) {
            throw UserError.usage(
                    folder.resolve(file) + " cannot be loaded: " + e.getMessage(),
                    "Repair or remove this installation of CUDA, or give the folder of another by -D" + FOLDER + ".",
                    e);
        }
    }

    /** What cuBLAS and NVRTC load themselves, by name, and would not find outside the dynamic linker's folders. */
    private static List<Path> needed(Path folder, String file) {
        if (file.startsWith("libcublas.so.")) {
            return children(folder, file.replace("libcublas", "libcublasLt"));
        }
        if (file.startsWith("libnvrtc.so.")) {
            return children(folder, file.replace("libnvrtc", "libnvrtc-builtins") + ".[0-9]");
        }
        return List.of();
    }

    private String places() {
        Stream<String> linker = onlyFolders ? Stream.empty() : Stream.of("the dynamic linker's folders");
        return Stream.concat(linker, folders.stream().filter(Files::isDirectory).map(Path::toString))
                .collect(Collectors.joining(", "));
    }
}
