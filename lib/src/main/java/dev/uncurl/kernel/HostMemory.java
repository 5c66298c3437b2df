package dev.uncurl.kernel;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A contiguous ND4J array. */
record HostMemory(INDArray array) implements FlatMemory {
    @Override
    public long length() {
        return array.length();
    }

    @Override
    public DataType type() {
        return array.dataType();
    }

    @Override
    public boolean onHost() {
        return true;
    }

    @Override
    public void zero(long from, long count) {
        matrix(from, 1, Math.toIntExact(count)).zero();
    }

    @Override
    public void read(long from, float[] target, int count) {
        matrix(from, 1, count).read(target);
    }

    @Override
    public void write(long from, float[] source, int count) {
        matrix(from, 1, count).write(source);
    }

    @Override
    public void close() {
        if (array.closeable()) {
            array.close();
        }
    }
}
