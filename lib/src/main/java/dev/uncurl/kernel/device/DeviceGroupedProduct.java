package dev.uncurl.kernel.device;

import com.sun.jna.Memory;
import dev.uncurl.kernel.GroupedProduct;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.kernel.device.BatchedProduct.Operand;
import dev.uncurl.kernel.device.BatchedProduct.Terms;
import java.util.ArrayList;
import java.util.List;

/**
 * {@link GroupedProduct} on a device: in one call of its library if that takes them together, else one after another. The rows of
 * all groups are rounded to bfloat16 at once.
 */
final class DeviceGroupedProduct implements GroupedProduct {
    /** Addresses that one launch writes, as in {@code kernels.cu}. */
    private static final int ADDRESSES = 128;

    private final Device device;
    private final Launch launch;
    private final Terms terms;
    /** Null, if operands are taken as they are in memory. */
    private final RoundedOperands rounded;

    /** [3, groups] where the matrices b, a and c are. */
    private final DeviceScratch addresses;

    private final Memory given = new Memory((long) ADDRESSES * Long.BYTES);

    /** @param rounded null for products of floats */
    DeviceGroupedProduct(Device device, Launch launch, RoundedOperands rounded, DeviceScratch addresses) {
        this.device = device;
        this.launch = launch;
        this.rounded = rounded;
        this.addresses = addresses;
        terms = rounded == null ? Terms.ROUNDED : Terms.BF16;
    }

    /** Bytes of addresses for so many groups. */
    static long bytes(int groups) {
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
        if (rounded != null && !b.stream().allMatch(DeviceGroupedProduct::isKept)) {
            roundedOneByOne(start, a.first(rows), b, transposeB, c);
            return;
        }
        if (rounded != null) {
            rounded.take(a.first(rows), b.get(0));
        }
        var products = new ArrayList<BatchedProduct>();
        for (int group = 0; group < b.size(); group++) {
            int from = start[group];
            int count = start[group + 1] - from;
            if (count > 0) {
                Operand left = rounded == null ? operand(a, from) : below(rounded.left(), from);
                Operand right = rounded == null
                        ? DeviceMatrixProduct.operand(b.get(group))
                        : RoundedOperands.kept(b.get(group));
                products.add(
                        product(false, transposeB, count, c.columns(), a.columns(), left, right, operand(c, from)));
            }
        }
        multiply(products);
        written(c.first(rows));
    }

    private void written(Matrix c) {
        DeviceMemory.changed(c);
        if (rounded != null) {
            rounded.written(c);
        }
    }

    private static boolean isKept(Matrix matrix) {
        return RoundedOperands.kept(matrix) != null;
    }

    /** Where each group's matrix must be rounded before its product. */
    private void roundedOneByOne(int[] start, Matrix a, List<Matrix> b, boolean transposeB, Matrix c) {
        for (int group = 0; group < b.size(); group++) {
            int from = start[group];
            int count = start[group + 1] - from;
            if (count > 0) {
                rounded.take(a, b.get(group));
                Operand left = below(rounded.left(), from);
                device.multiply(product(
                        false, transposeB, count, c.columns(), a.columns(), left, rounded.right(), operand(c, from)));
                written(c.rows(from, count));
            }
        }
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
        if (rounded != null) {
            rounded.take(a.first(rows), b.first(rows));
        }
        var products = new ArrayList<BatchedProduct>();
        for (int group = 0; group < c.size(); group++) {
            int from = start[group];
            int count = start[group + 1] - from;
            if (count > 0) {
                Operand left = rounded == null ? operand(a, from) : below(rounded.left(), from);
                Operand right = rounded == null ? operand(b, from) : below(rounded.right(), from);
                Operand sum = DeviceMatrixProduct.operand(c.get(group));
                products.add(product(true, false, a.columns(), b.columns(), count, left, right, sum));
            }
        }
        multiply(products);
        c.forEach(this::written);
    }

    private static Operand operand(Matrix matrix, int row) {
        return new Operand(
                DeviceMemory.addressOfRows(matrix) + (long) row * matrix.leading() * Float.BYTES, matrix.leading(), 0);
    }

    /** The same in bfloat16, from a later row on. */
    private static Operand below(Operand operand, int row) {
        return new Operand(operand.address() + (long) row * operand.leading() * Short.BYTES, operand.leading(), 0);
    }

    private BatchedProduct product(
            boolean transposeA, boolean transposeB, int rows, int columns, int inner, Operand a, Operand b, Operand c) {
        return new BatchedProduct(transposeA, transposeB, rows, columns, inner, 1, a, b, 0, c, 1, terms);
    }

    private void multiply(List<BatchedProduct> products) {
        boolean together = products.size() > 1 && device.takesTogether(products);
        if (!together || !device.multiplyTogether(products, addresses(products))) {
            products.forEach(device::multiply);
        }
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
        long target = addresses.reserve(bytes(count));
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
