package dev.uncurl.kernel.device;

import dev.uncurl.kernel.GatherScatter;
import dev.uncurl.kernel.Matrix;

/** {@link GatherScatter} on a device, with indices and scales from the Java heap. */
final class DeviceGatherScatter implements GatherScatter {
    private final Launch launch;
    private final DeviceScratch first;
    private final DeviceScratch second;
    private final DeviceScratch third;
    private final DeviceScratch sums;
    private final RowGroups groups = new RowGroups();

    DeviceGatherScatter(
            Launch launch, DeviceScratch first, DeviceScratch second, DeviceScratch third, DeviceScratch sums) {
        this.launch = launch;
        this.first = first;
        this.second = second;
        this.third = third;
        this.sums = sums;
    }

    @Override
    public void gather(Matrix source, int[] index, double[] scales, Matrix target) {
        gatherAdd(null, source, index, scales, target);
    }

    @Override
    public void gatherAdd(Matrix base, Matrix source, int[] index, double[] scales, Matrix target) {
        int count = target.rows();
        launch.with(base)
                .with(source)
                .with(first.put(index, 0, count))
                .with(second.put(scales, count))
                .writes(target)
                .with(target.columns())
                .twin(base == null ? target : null)
                .rows(DeviceFunction.GATHER, count, target.columns());
    }

    @Override
    public void scatterAdd(Matrix source, int[] index, Matrix target) {
        groups.sort(index, source.rows());
        int count = groups.groups();
        launch.with(source)
                .with(first.put(groups.order, 0, groups.start[count]))
                .with(second.put(groups.start, 0, count + 1))
                .with(third.put(groups.row, 0, count))
                .writes(target)
                .with(target.columns())
                .rows(DeviceFunction.SCATTER_ADD, count, target.columns());
    }

    @Override
    public void dot(Matrix a, int[] index, Matrix b, double[] products) {
        int count = b.rows();
        launch.with(a)
                .with(index == null ? 0L : first.put(index, 0, count))
                .with(b)
                .with(sums.reserve((long) count * Double.BYTES))
                .with(b.columns())
                .rows(DeviceFunction.ROW_DOT, count, b.columns());
        sums.get(products, 0, count);
    }
}
