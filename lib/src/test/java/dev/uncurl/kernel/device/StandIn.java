package dev.uncurl.kernel.device;

import com.sun.jna.NativeLibrary;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * CUDA's libraries for machines without a GPU: {@code standin.cpp}, built by g++ once per JVM. {@link CudaDevice} runs on it as
 * it does on a GPU, and the text of {@code kernels.cu} is compiled and run by the CPU.
 */
public final class StandIn {
    private static Path folder;

    private StandIn() {}

    /** Whether g++ is there. */
    static boolean possible() {
        try {
            Process process = new ProcessBuilder("g++", "--version")
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            return process.waitFor() == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** {@code kernels.cu} */
    public static String source() {
        return CudaDevice.source();
    }

    /** A GPU that is emulated. */
    public static CudaDevice open() {
        return open(CudaDevice.source());
    }

    /** A GPU that is emulated, with another {@code kernels.cu}. */
    public static CudaDevice open(String source) {
        return open(source, CudaDevice.Precision.FP32);
    }

    /** As above; it computes in 32-bit floats whatever the precision, which only chooses kernels. */
    static CudaDevice open(String source, CudaDevice.Precision precision) {
        reset();
        if (!source.equals(CudaDevice.source())) {
            invoke("standInOptimize", 0); // it runs once: g++ takes longer
        }
        return CudaDevice.open(libraries(), 0, precision, source);
    }

    static synchronized CudaLibraries libraries() {
        if (folder == null) {
            try {
                folder = build();
            } catch (IOException e) {
                throw new UncheckedIOException("The stand-in for CUDA could not be built", e);
            }
        }
        return new CudaLibraries(List.of(folder), true);
    }

    /** Where the libraries are. */
    static synchronized Path folder() {
        libraries();
        return folder;
    }

    private static Path build() throws IOException {
        Path target = Files.createTempDirectory("uncurl-standin");
        Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(target)));
        for (String file : new String[] {"emulator.h", "standin.cpp", "nccl.cpp"}) {
            try (var in = StandIn.class.getResourceAsStream(file)) {
                Files.copy(in, target.resolve(file));
            }
        }
        Path log = target.resolve("log");
        Process process = new ProcessBuilder(
                        "g++",
                        "-std=c++17",
                        "-O3",
                        "-march=native",
                        "-fPIC",
                        "-shared",
                        "-o",
                        "libcuda.so.1",
                        "standin.cpp",
                        "nccl.cpp",
                        "-ldl")
                .directory(target.toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        try {
            if (!process.waitFor(5, TimeUnit.MINUTES) || process.exitValue() != 0) {
                throw new IOException("g++: " + Files.readString(log));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
        for (String other : new String[] {"libcublas.so.13", "libnvrtc.so.13", "libnccl.so.2"}) {
            Files.createSymbolicLink(target.resolve(other), target.resolve("libcuda.so.1"));
        }
        return target;
    }

    private static void delete(Path target) {
        try (var files = Files.walk(target)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            System.err.println("Left behind: " + target + ": " + e);
        }
    }

    private static NativeLibrary library(Path target) {
        return NativeLibrary.getInstance(target.resolve("libcuda.so.1").toString());
    }

    private static void invoke(String function, Object... arguments) {
        libraries();
        library(folder).getFunction(function).invokeVoid(arguments);
    }

    /** One GPU of compute capability 9.0 with 80 GB, all free, no faults. */
    static void reset() {
        invoke("standInForget");
        invoke("standInForgetNccl");
        invoke("standInOptimize", 1);
        limit(-1);
        threads(64, false);
        machine(1, 9, 13000);
    }

    /** The next call of this function fails; {@code kernel}: the next launch does, which shows when its result is waited for. */
    static void fail(String function, int code) {
        fail(function, code, 0);
    }

    /** As above after so many calls that do not fail. */
    static void fail(String function, int code, long after) {
        invoke("standInFail", function, code, after);
    }

    /** Bytes of the GPU's memory; -1 for 80 GB. */
    static void limit(long bytes) {
        invoke("standInLimit", bytes);
    }

    /** At most so many threads in a block, and whether the last warp goes first. */
    public static void threads(int most, boolean backwards) {
        invoke("standInThreads", most, backwards ? 1 : 0);
    }

    /** Number of GPUs, their compute capability's major version, and the driver's CUDA version such as 13000. */
    static void machine(int gpus, int capability, int driver) {
        invoke("standInMachine", gpus, capability, driver);
    }

    /** NCCL's version, such as 22703, and whether it never gets on. */
    static void nccl(int version, boolean hangs) {
        invoke("standInNccl", version, hangs ? 1 : 0);
    }

    /** Communicators of NCCL that have not been ended. */
    static long communicators() {
        libraries();
        return library(folder).getFunction("standInComms").invokeLong(new Object[] {});
    }

    /** Bytes that NCCL has moved between ranks. */
    static long moved() {
        libraries();
        return library(folder).getFunction("standInMoved").invokeLong(new Object[] {});
    }

    /** Algorithms that cuBLASLt was asked for. */
    static long chosen() {
        libraries();
        return library(folder).getFunction("standInChosen").invokeLong(new Object[] {});
    }

    /** Bytes of the GPU's memory that have not been released. */
    static long used() {
        libraries();
        return library(folder).getFunction("standInUsed").invokeLong(new Object[] {});
    }

    /** Events that have not been destroyed. */
    static long events() {
        libraries();
        return library(folder).getFunction("standInEvents").invokeLong(new Object[] {});
    }

    /** Blocks of the GPU's memory that have not been released. */
    public static long blocks() {
        libraries();
        return library(folder).getFunction("standInBlocks").invokeLong(new Object[] {});
    }
}
