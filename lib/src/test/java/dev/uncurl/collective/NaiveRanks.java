package dev.uncurl.collective;

import java.util.Arrays;

/** What each operation gives, computed from the arrays of all ranks in one place. */
final class NaiveRanks {
    private NaiveRanks() {}

    /** @param values [size][length] @return [length] */
    static float[] sum(float[][] values) {
        float[] sum = values[0].clone();
        for (int rank = 1; rank < values.length; rank++) {
            for (int i = 0; i < sum.length; i++) {
                sum[i] = sum[i] + values[rank][i];
            }
        }
        return sum;
    }

    /** @param values [size][length] @return [length] rank r's slice from rank r */
    static float[] gathered(float[][] values, long[] bounds) {
        float[] all = new float[values[0].length];
        for (int rank = 0; rank < values.length; rank++) {
            for (int i = (int) bounds[rank]; i < bounds[rank + 1]; i++) {
                all[i] = values[rank][i];
            }
        }
        return all;
    }

    /**
     * @param values [size][] the parts for rank 0, for rank 1, ...
     * @param counts [from][to]
     * @return [size][] the parts from rank 0, from rank 1, ...
     */
    static float[][] exchanged(float[][] values, long[][] counts) {
        int size = counts.length;
        float[][] received = new float[size][];
        for (int to = 0; to < size; to++) {
            float[] all = new float[0];
            for (int from = 0; from < size; from++) {
                int start = 0;
                for (int before = 0; before < to; before++) {
                    start += (int) counts[from][before];
                }
                float[] part = Arrays.copyOfRange(values[from], start, start + (int) counts[from][to]);
                int length = all.length;
                all = Arrays.copyOf(all, length + part.length);
                System.arraycopy(part, 0, all, length, part.length);
            }
            received[to] = all;
        }
        return received;
    }
}
