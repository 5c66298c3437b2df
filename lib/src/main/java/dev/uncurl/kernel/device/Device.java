package dev.uncurl.kernel.device;

import com.sun.jna.Pointer;
import java.util.List;

/**
 * Memory that the host cannot see, and what computes on it: the functions of {@code kernels.cu}, and matrix products.
 * Addresses are numbers. Operations take effect in the order of the calls; only {@link #download} and {@link #synchronize} wait
 * for them. An error of an operation may therefore be thrown by a later call, at the latest by the next of these two.
 */
public interface Device extends AutoCloseable {
    /** For messages, such as {@code GPU 0 (NVIDIA H100 80GB HBM3)}. */
    String name();

    /** Whether products may round their operands to TF32, 11 significant bits, as tensor cores do. */
    boolean rounds();

    /** Whether operands of products are to be rounded to bfloat16, 8 significant bits, before they are multiplied. */
    boolean takesBf16();

    /**
     * Address of new memory with undefined contents, at a multiple of 256.
     *
     * @throws dev.uncurl.error.UserError (usage) if there is not enough
     */
    long allocate(long bytes);

    void free(long address);

    /** Bytes of the device's memory that its library of products takes for itself. */
    long libraryBytes();

    /** Bytes that can be allocated. */
    long freeBytes();

    /** Copies from the host; {@code source} may be overwritten afterwards. */
    void upload(long target, Pointer source, long bytes);

    /** Copies to the host, after all earlier operations. */
    void download(Pointer target, long source, long bytes);

    void zero(long address, long bytes);

    /** @param arguments array of pointers to the function's arguments, read before this returns */
    void launch(DeviceFunction function, int gridX, int gridY, int threads, Pointer arguments);

    void multiply(BatchedProduct product);

    /** Whether {@link #multiplyTogether} may be asked for these products, which have the same terms. */
    boolean takesTogether(List<BatchedProduct> products);

    /**
     * Computes products, each with a count of 1, of which none writes what another one reads or writes: in one call of the library,
     * in bfloat16 one after another.
     *
     * @param memory in which are the addresses of all b, then those of all a, then those of all c; for operands in bfloat16 {@link
     *     #libraryBytes} that may be overwritten
     * @return false if the library refuses them, and nothing has been computed
     */
    boolean multiplyTogether(List<BatchedProduct> products, long memory);

    /** What joins this device with those of other ranks. */
    DeviceLinks links();

    /** Waits for all operations. */
    void synchronize();

    @Override
    void close();
}
