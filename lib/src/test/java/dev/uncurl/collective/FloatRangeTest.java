package dev.uncurl.collective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

class FloatRangeTest {
    private static INDArray counted(int length) {
        return Nd4j.arange(length).castTo(DataType.FLOAT);
    }

    @Test
    void aWindowIsTheArraysMemory() {
        INDArray array = counted(20);
        var window = new FloatRange(array, 5, 10).slice(2, 8).window(1, 3).asFloatBuffer();
        assertThat(List.of(window.get(0), window.get(1), window.get(2))).containsExactly(8f, 9f, 10f);
        window.put(0, -1);
        assertThat(array.getFloat(8)).isEqualTo(-1);
    }

    @Test
    void viewsOfViewsBeginAtTheirOwnFirstElement() {
        INDArray parameters = counted(24).reshape(1, 24);
        INDArray view = parameters.get(NDArrayIndex.point(0), NDArrayIndex.interval(6, 18));
        INDArray rows = view.reshape(3, 4);
        assertThat(FloatRange.of(view).window(0, 12).asFloatBuffer().get(0)).isEqualTo(6);
        assertThat(FloatRange.of(rows).window(5, 1).asFloatBuffer().get(0)).isEqualTo(11);
        INDArray column = Nd4j.create(parameters.data(), new long[] {4, 1}, new long[] {1, 1}, 20, 'c');
        assertThat(FloatRange.of(column).window(3, 1).asFloatBuffer().get(0)).isEqualTo(23);
    }

    @Test
    void arraysThatAreNoRangeOfFloatsAreRefused() {
        assertThatThrownBy(() -> FloatRange.of(Nd4j.create(DataType.DOUBLE, 3)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("DOUBLE");
        INDArray columns = counted(12).reshape(3, 4).transpose();
        assertThatThrownBy(() -> FloatRange.of(columns)).hasMessageContaining("strides");
        assertThatThrownBy(() -> new FloatRange(counted(5), 3, 3)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> FloatRange.of(counted(5)).slice(-1, 2)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> FloatRange.of(counted(5)).window(4, 2)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void sumsAndCopiesCoverSeveralWindows() {
        int length = 2 * FloatRange.WINDOW + 77;
        float[][] values = Drawn.values(new Random(3), 3, length);
        List<FloatRange> terms = List.of(Drawn.range(values[0]), Drawn.range(values[1]), Drawn.range(values[2]));
        FloatRange copy = Drawn.range(new float[length]);
        copy.copyFrom(terms.get(1));
        assertThat(Drawn.read(copy)).isEqualTo(values[1]);
        terms.get(1).sum(terms);
        assertThat(Drawn.read(terms.get(1))).isEqualTo(NaiveRanks.sum(values));
        assertThat(Drawn.read(terms.get(0))).isEqualTo(values[0]);
    }

    @Test
    void overlapIsOfMemoryNotOfNumbers() {
        INDArray array = counted(20);
        FloatRange first = new FloatRange(array, 0, 10);
        assertThat(first.overlaps(new FloatRange(array, 9, 2))).isTrue();
        assertThat(first.overlaps(new FloatRange(array, 10, 2))).isFalse();
        assertThat(first.overlaps(new FloatRange(counted(20), 0, 10))).isFalse();
        assertThat(first.overlaps(new FloatRange(array, 5, 0))).isFalse();
    }
}
