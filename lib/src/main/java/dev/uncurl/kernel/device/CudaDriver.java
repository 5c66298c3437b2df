package dev.uncurl.kernel.device;

import com.sun.jna.Native;
import dev.uncurl.error.UserError;

/** Starts the driver and finds a GPU, or says why not. */
final class CudaDriver {
    private CudaDriver() {}

    /** The newest CUDA that the driver supports, such as 13000. */
    static int start() {
        int error = Cuda.cuInit(0);
        if (error != 0) {
            String what =
                    error == Cuda.NO_DEVICE ? "This process sees no NVIDIA GPU" : "The NVIDIA driver does not start";
            throw UserError.usage(
                    what + ": " + Cuda.describe(error) + visible(),
                    "See what nvidia-smi says on this machine, and set CUDA_VISIBLE_DEVICES to a GPU that it lists; or use the"
                            + " CPU.");
        }
        int[] version = new int[1];
        return Cuda.cuDriverGetVersion(version) == 0 ? version[0] : 0;
    }

    /** Number of GPUs that this process sees. */
    static int count() {
        int[] count = new int[1];
        int error = Cuda.cuDeviceGetCount(count);
        if (error != 0) {
            throw new IllegalStateException("GPUs cannot be counted: " + Cuda.describe(error));
        }
        return count[0];
    }

    private static String visible() {
        String visible = System.getenv("CUDA_VISIBLE_DEVICES");
        return visible == null ? "" : ", CUDA_VISIBLE_DEVICES = " + visible;
    }

    /** Handle of a GPU, by its number among those that this process sees. */
    static int find(int ordinal) {
        int[] count = new int[1];
        int[] device = new int[1];
        int error = Cuda.cuDeviceGetCount(count);
        if (error == 0 && (ordinal < 0 || ordinal >= count[0])) {
            throw UserError.usage(
                    "There is no GPU " + ordinal + ": this process sees " + count[0] + visible(),
                    count[0] == 0 ? "Use the CPU." : "Use a number from 0 to " + (count[0] - 1) + ".");
        }
        error = error == 0 ? Cuda.cuDeviceGet(device, ordinal) : error;
        if (error != 0) {
            throw new IllegalStateException("GPU " + ordinal + " cannot be opened: " + Cuda.describe(error));
        }
        return device[0];
    }

    static String name(int device) {
        var text = new byte[256];
        return Cuda.cuDeviceGetName(text, text.length, device) == 0 ? Native.toString(text, "UTF-8") : "unknown";
    }
}
