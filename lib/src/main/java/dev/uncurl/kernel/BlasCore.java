package dev.uncurl.kernel;

import com.sun.jna.Function;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import dev.uncurl.error.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The processor for which OpenBLAS computes. OpenBLAS detects it when it is loaded, unless environment variable
 * {@code OPENBLAS_CORETYPE} names another one that it knows. Another core may give other roundings of sums.
 */
public final class BlasCore {
    /** Cores whose kernels use vectors of 512 bits; products of 32-bit floats have the same kernels on all of them. */
    private static final Set<String> AVX512 = Set.of("SkylakeX", "Cooperlake", "SapphireRapids");

    /** The name by which OpenBLAS is loaded; JavaCPP loads two copies of it, which detect the same core. */
    private static final String LIBRARY = "libopenblas.so.0";

    /**
     * RTLD_LAZY and RTLD_NOLOAD of dlopen: the library that is loaded, by its name, even if its file has been replaced. Without
     * RTLD_GLOBAL: the functions of one copy would be used by the other, which frees memory that the first allocated.
     */
    private static final int LOADED = 1 | 4;

    private static final Path PROCESSOR = Path.of("/proc/cpuinfo");

    private BlasCore() {}

    /** The model of the processor, or its architecture. */
    public static String processor() {
        return lines(PROCESSOR).stream()
                .map(line -> line.split(":", 2))
                .filter(line -> line.length == 2 && line[0].strip().equals("model name"))
                .map(line -> line[1].strip())
                .filter(name -> !name.isEmpty())
                .findFirst()
                .orElse(System.getProperty("os.arch"));
    }

    /**
     * The core that OpenBLAS says it uses, such as SkylakeX; "unknown" without OpenBLAS. Loads it.
     *
     * @throws UserError (input) if this system is too old for it
     */
    public static String inUse() {
        load(Nd4j::getBlasWrapper);
        NativeLibrary process = NativeLibrary.getProcess();
        Pointer library = process.getFunction("dlopen").invokePointer(new Object[] {LIBRARY, LOADED});
        if (library == null) {
            return "unknown";
        }
        Pointer name = process.getFunction("dlsym").invokePointer(new Object[] {library, "openblas_get_corename"});
        return Function.getFunction(name).invokeString(new Object[0], false);
    }

    /** Whether OpenBLAS uses vectors of 512 bits. Loads it. */
    public static boolean hasAvx512() {
        return isAvx512(inUse());
    }

    /** @param core as OpenBLAS spells it */
    static boolean isAvx512(String core) {
        return AVX512.contains(core);
    }

    /** Runs what loads native code, and says what to do if the system's C library is too old for it. */
    static void load(Runnable loading) {
        try {
            loading.run();
        } catch (LinkageError e) {
            for (Throwable cause = e; cause != null; cause = cause.getCause()) {
                String message = String.valueOf(cause.getMessage());
                if (message.contains("GLIBC_")) {
                    throw UserError.input(
                            "This system's C library is too old: " + message,
                            "Use a system with glibc 2.34 or later (RHEL 9, Debian 12, Ubuntu 22.04); or build Uncurl with"
                                    + " an older OpenBLAS: -Dopenblas.version=0.3.23-1.5.9 -Djavacpp.version=1.5.9.",
                            e);
                }
            }
            throw e;
        }
    }

    private static List<String> lines(Path file) {
        try {
            return Files.readAllLines(file);
        } catch (IOException e) { // not Linux
            return List.of();
        }
    }
}
