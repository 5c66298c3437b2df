package dev.uncurl.kernel.device;

import dev.uncurl.kernel.CrossEntropy;
import dev.uncurl.kernel.Matrix;

/** {@link CrossEntropy} on a device. */
final class DeviceCrossEntropy implements CrossEntropy {
    private static final int THREADS = 1024;

    private final Launch launch;
    private final DeviceScratch index;
    private final DeviceScratch results;

    DeviceCrossEntropy(Launch launch, DeviceScratch index, DeviceScratch results) {
        this.launch = launch;
        this.index = index;
        this.results = results;
    }

    @Override
    public void forward(Matrix logits, int[] targets, int first, double scale, double[] logProbabilities) {
        int count = logits.rows();
        boolean gradient = (float) scale != 0;
        if (gradient) {
            DeviceMemory.changed(logits);
        }
        launch.with(DeviceMemory.addressOfRows(logits))
                .with(index.put(targets, first, count))
                .with(scale)
                .with(results.reserve((long) count * Double.BYTES))
                .with(logits.columns())
                .with(logits.leading())
                .twin(gradient ? logits : null)
                .rows(DeviceFunction.CROSS_ENTROPY, count, 1, logits.columns(), THREADS);
        results.get(logProbabilities, first, count);
    }
}
