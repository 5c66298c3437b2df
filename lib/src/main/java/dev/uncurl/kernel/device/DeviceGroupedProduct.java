package dev.uncurl.kernel.device;

import com.sun.jna.Memory;
import dev.uncurl.kernel.GroupedProduct;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.kernel.device.BatchedProduct.Operand;
import dev.uncurl.kernel.device.BatchedProduct.Terms;
import java.util.ArrayList;
import java.util.List;

/** {@link GroupedProduct} on a device: by {@link Device#multiplyTogether} if that takes the products, else one after another. */
final class DeviceGroupedProduct implements GroupedProduct {
    /** Addresses that one launch writes, as in {@code kernels.cu}. */
    private static final int ADDRESSES = 128;

    private final Device device;
    private final Launch launch;
    private final Terms terms;
    /** [3, groups] where the matrices b, a and c are; in bfloat16 the library's workspace. */
    private final DeviceScratch memory;

    private final Memory given = new Memory((long) ADDRESSES * Long.BYTES);

    DeviceGroupedProduct(Device device, Launch launch, Terms terms, DeviceScratch memory) {
        this.device = device;
        this.launch = launch;
        this.terms = terms;
        this.memory = memory;
    }

    /** Bytes of the scratch memory for so many groups. */
    static long bytes(Device device, int groups) {
        return groups == 0 ? 0 : device.takesBf16() ? device.libraryBytes() : bytes(groups);
    }

    private static long bytes(int groups) {
        return 3L * groups * Long.BYTES;
    }

    private static void check(boolean shapes, int[] start, List<Matrix> ofGroups, Matrix a, Matrix b) {
        if (!shapes || ofGroups.size() != start.length - 1) {
            throw new IllegalArgumentException(ofGroups.size() + " products of " + (start.length - 1) + " groups of "
                    + a.rows() + " x " + a.columns() + " and " + b.rows() + " x " + b.columns());
        }
    }

    @Override
    public void rows(int[] start, Matrix a, List<Matrix> b, boolean transposeB, Matrix c) {
        int rows = start[b.size()];
        check(b.stream().allMatch(matrix -> fits(a, matrix, transposeB, c)), start, b, a, c);
        if (rows == 0 || a.columns() == 0 || c.columns() == 0) {
            c.first(rows).zero();
            return;
        }
        Operand all = DeviceMatrixProduct.operand(a.first(rows), terms);
        var products = new ArrayList<BatchedProduct>();
        for (int group = 0; group < b.size(); group++) {
            int from = start[group];
            int count = start[group + 1] - from;
            if (count > 0) {
                products.add(product(
                        false,
                        transposeB,
                        count,
                        c.columns(),
                        a.columns(),
                        below(all, from),
                        DeviceMatrixProduct.operand(b.get(group), terms),
                        DeviceMatrixProduct.operand(c.rows(from, count))));
            }
        }
        multiply(products);
        DeviceMemory.changed(c.first(rows));
    }

    private static boolean fits(Matrix a, Matrix b, boolean transposeB, Matrix c) {
        return (transposeB ? b.columns() : b.rows()) == a.columns()
                && (transposeB ? b.rows() : b.columns()) == c.columns();
    }

    @Override
    public void sums(int[] start, Matrix a, Matrix b, List<Matrix> c) {
        int rows = start[c.size()];
        check(c.stream().allMatch(sum -> sum.rows() == a.columns() && sum.columns() == b.columns()), start, c, a, b);
        for (int group = 0; group < c.size(); group++) {
            if (start[group] == start[group + 1]) {
                c.get(group).zero();
            }
        }
        if (rows == 0 || a.columns() == 0 || b.columns() == 0) {
            return;
        }
        Operand allLeft = DeviceMatrixProduct.operand(a.first(rows), terms);
        Operand allRight = DeviceMatrixProduct.operand(b.first(rows), terms);
        var products = new ArrayList<BatchedProduct>();
        for (int group = 0; group < c.size(); group++) {
            int from = start[group];
            int count = start[group + 1] - from;
            if (count > 0) {
                products.add(product(
                        true,
                        false,
                        a.columns(),
                        b.columns(),
                        count,
                        below(allLeft, from),
                        below(allRight, from),
                        DeviceMatrixProduct.operand(c.get(group))));
            }
        }
        multiply(products);
        c.forEach(DeviceMemory::changed);
    }

    /** The same from a later row on. */
    private Operand below(Operand operand, int row) {
        int bytes = terms == Terms.BF16 ? Short.BYTES : Float.BYTES;
        return new Operand(operand.address() + (long) row * operand.leading() * bytes, operand.leading(), 0);
    }

    private BatchedProduct product(
            boolean transposeA, boolean transposeB, int rows, int columns, int inner, Operand a, Operand b, Operand c) {
        return new BatchedProduct(transposeA, transposeB, rows, columns, inner, 1, a, b, 0, c, 1, terms);
    }

    private void multiply(List<BatchedProduct> products) {
        boolean together = products.size() > 1 && device.takesTogether(products);
        if (!together || !device.multiplyTogether(products, memory(products))) {
            products.forEach(device::multiply);
        }
    }

    /** What {@link Device#multiplyTogether} wants. */
    private long memory(List<BatchedProduct> products) {
        return terms == Terms.BF16 ? memory.reserve(device.libraryBytes()) : addresses(products);
    }

    /** Writes the addresses by launches that have them as an argument: a copy from the host would wait for all that is under way. */
    private long addresses(List<BatchedProduct> products) {
        int count = products.size();
        var all = new long[3 * count];
        for (int i = 0; i < count; i++) {
            all[i] = products.get(i).b().address();
            all[count + i] = products.get(i).a().address();
            all[2 * count + i] = products.get(i).c().address();
        }
        long target = memory.reserve(bytes(count));
        for (int at = 0; at < all.length; at += ADDRESSES) {
            int part = Math.min(ADDRESSES, all.length - at);
            given.write(0, all, at, part);
            launch.with(given)
                    .with(target + (long) at * Long.BYTES)
                    .with(part)
                    .run(DeviceFunction.PUT_ADDRESSES, 1, 1, ADDRESSES);
        }
        return target;
    }
}
