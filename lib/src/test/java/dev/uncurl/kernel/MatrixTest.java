package dev.uncurl.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;

class MatrixTest {
    @Test
    void theRoomBetweenRowsBecomesColumns() {
        try (FlatMemory memory = FlatMemory.allocate(DataType.FLOAT, 13)) {
            memory.write(0, new float[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 13);
            Matrix padded = Matrix.padded(memory, 1, 3, 2, 4);
            Matrix wide = padded.withRoom();
            assertThat(wide.isPadded()).isFalse();
            float[] values = new float[12];
            wide.read(values);
            assertThat(values).containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
            assertThat(padded.rows(1, 2).withRoom().offset()).isEqualTo(5);
        }
    }

    /** As a single row, which has none after it. */
    @Test
    void aMatrixWithoutRoomStaysAsItIs() {
        try (FlatMemory memory = FlatMemory.allocate(DataType.FLOAT, 12)) {
            Matrix whole = memory.matrix(0, 3, 4);
            assertThat(whole.withRoom()).isSameAs(whole);
            Matrix row = Matrix.padded(memory, 0, 3, 2, 4).rows(1, 1);
            assertThat(row.withRoom()).isSameAs(row);
        }
    }
}
