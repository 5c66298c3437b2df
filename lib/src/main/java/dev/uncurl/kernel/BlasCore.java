package dev.uncurl.kernel;

import com.sun.jna.NativeLibrary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * The processor for which OpenBLAS computes. ND4J's OpenBLAS (0.3.19) knows no AMD processor with AVX-512 and takes it for an
 * older one, at a fraction of its speed; there this class sets {@value #VARIABLE} in the environment of the process, which
 * OpenBLAS reads when it is loaded. A value that is set already stays. Another core gives other roundings of sums.
 */
public final class BlasCore {
    static final String VARIABLE = "OPENBLAS_CORETYPE";

    private static final String AVX512 = "SKYLAKEX";

    /** Instructions that OpenBLAS's kernels of this name use. */
    private static final Set<String> NEEDED = Set.of("avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl");

    private static final Path PROCESSOR = Path.of("/proc/cpuinfo");

    private static final Optional<String> CHOSEN = chosen(System.getenv(VARIABLE), lines(PROCESSOR));

    private BlasCore() {}

    /**
     * The name to give to OpenBLAS; empty if it is to detect the processor itself.
     *
     * @param given the variable's value in the environment; null if there is none
     * @param processor lines of /proc/cpuinfo
     */
    static Optional<String> chosen(String given, List<String> processor) {
        if (given != null && !given.isBlank()) {
            return Optional.of(given.strip());
        }
        boolean amd = value(processor, "vendor_id").equals("AuthenticAMD");
        boolean wide = Set.of(value(processor, "flags").split("\\s+")).containsAll(NEEDED);
        return amd && wide ? Optional.of(AVX512) : Optional.empty();
    }

    private static String value(List<String> processor, String name) {
        return processor.stream()
                .map(line -> line.split(":", 2))
                .filter(line -> line.length == 2 && line[0].strip().equals(name))
                .map(line -> line[1].strip())
                .findFirst()
                .orElse("");
    }

    private static List<String> lines(Path file) {
        try {
            return Files.readAllLines(file);
        } catch (IOException e) { // not Linux
            return List.of();
        }
    }

    /** The model of the processor, or its architecture. */
    public static String processor() {
        String name = value(lines(PROCESSOR), "model name");
        return name.isEmpty() ? System.getProperty("os.arch") : name;
    }

    /** The name that OpenBLAS has been given, in upper case; empty if it detects the processor itself. */
    public static Optional<String> requested() {
        return CHOSEN.map(core -> core.toUpperCase(Locale.ROOT));
    }

    /** Sets the variable. Has an effect before OpenBLAS is loaded; {@link BlasCoreBackend} calls it in time. */
    static void set() {
        if (CHOSEN.isPresent() && System.getenv(VARIABLE) == null) {
            var arguments = new Object[] {VARIABLE, CHOSEN.get(), 0};
            NativeLibrary.getInstance("c").getFunction("setenv").invokeInt(arguments);
        }
    }

    /** The core that OpenBLAS says it uses, such as SkylakeX; "unknown" where it is not loaded. */
    public static String inUse() {
        return library()
                .map(path -> NativeLibrary.getInstance(path)
                        .getFunction("openblas_get_corename")
                        .invokeString(new Object[0], false))
                .orElse("unknown");
    }

    /** OpenBLAS's file in this process. */
    private static Optional<String> library() {
        return lines(Path.of("/proc/self/maps")).stream()
                .filter(line -> line.contains("/libopenblas"))
                .map(line -> line.substring(line.indexOf('/')))
                .findFirst();
    }
}
