package dev.uncurl.kernel.device;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import dev.uncurl.error.UserError;
import java.nio.charset.StandardCharsets;

/** NVIDIA's compiler as a library (NVRTC); it needs no GPU. The functions have its names and return 0 or an error. */
final class Nvrtc {
    /** The architecture is unknown to this version. */
    private static final int INVALID_OPTION = 5;

    private static NativeLibrary bound;

    private Nvrtc() {}

    /** Must be called before any other function. */
    static synchronized void bind(NativeLibrary library) {
        if (bound != library) { // other threads may be calling its functions
            Native.register(Nvrtc.class, library);
            bound = library;
        }
    }

    private static native int nvrtcVersion(int[] major, int[] minor);

    private static native int nvrtcCreateProgram(
            long[] program, String source, String name, int headers, Pointer texts, Pointer names);

    private static native int nvrtcCompileProgram(long program, int count, Pointer options);

    private static native int nvrtcGetProgramLogSize(long program, long[] size);

    private static native int nvrtcGetProgramLog(long program, byte[] log);

    private static native int nvrtcGetCUBINSize(long program, long[] size);

    private static native int nvrtcGetCUBIN(long program, Pointer image);

    private static native int nvrtcGetPTXSize(long program, long[] size);

    private static native int nvrtcGetPTX(long program, Pointer image);

    private static native int nvrtcDestroyProgram(long[] program);

    /** Such as 13.0. */
    static String version() {
        int[] major = new int[1];
        int[] minor = new int[1];
        return nvrtcVersion(major, minor) == 0 ? major[0] + "." + minor[0] : "of unknown version";
    }

    /** Machine code for a compute capability such as 90; if this NVRTC does not know it, PTX that the driver compiles. */
    static Memory compile(String source, int capability) {
        Memory code = compile(source, "sm_" + capability, true);
        return code != null ? code : compile(source, "compute_80", false);
    }

    /**
     * @param architecture {@code sm_90} for machine code, {@code compute_80} for PTX
     * @param optional whether to return null if the architecture is unknown
     */
    static Memory compile(String source, String architecture, boolean optional) {
        long[] program = new long[1];
        check(nvrtcCreateProgram(program, source, "kernels.cu", 0, null, null), "nvrtcCreateProgram");
        try (var option = new Memory(64);
                var options = new Memory(Long.BYTES)) {
            option.setString(0, "--gpu-architecture=" + architecture);
            options.setPointer(0, option);
            int error = nvrtcCompileProgram(program[0], 1, options);
            if (error == INVALID_OPTION && optional) {
                return null;
            }
            if (error != 0) {
                throw UserError.usage(
                        "NVRTC " + version() + " cannot compile the kernels for " + architecture + " (error " + error
                                + "): " + log(program[0]),
                        "Install another version of NVRTC (CUDA 12 or 13), or set CUDA_HOME to one; if this is a released"
                                + " version of Uncurl, please report it.");
            }
            return image(program[0], architecture.startsWith("compute"));
        } finally {
            nvrtcDestroyProgram(program);
        }
    }

    private static Memory image(long program, boolean ptx) {
        long[] size = new long[1];
        check(ptx ? nvrtcGetPTXSize(program, size) : nvrtcGetCUBINSize(program, size), "size of the compiled kernels");
        var image = new Memory(size[0]);
        check(ptx ? nvrtcGetPTX(program, image) : nvrtcGetCUBIN(program, image), "the compiled kernels");
        return image;
    }

    private static String log(long program) {
        long[] size = new long[1];
        if (nvrtcGetProgramLogSize(program, size) != 0 || size[0] < 1) {
            return "no log";
        }
        var log = new byte[Math.toIntExact(size[0])];
        nvrtcGetProgramLog(program, log);
        return new String(log, 0, log.length - 1, StandardCharsets.UTF_8).strip();
    }

    private static void check(int error, String what) {
        if (error != 0) {
            throw new IllegalStateException("NVRTC " + version() + ", " + what + ": error " + error);
        }
    }
}
