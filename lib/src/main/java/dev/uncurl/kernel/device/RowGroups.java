package dev.uncurl.kernel.device;

import java.util.Arrays;

/** Groups indices by value, each group in ascending order of position, so that one block of threads can add up a group. */
final class RowGroups {
    private long[] keys = {};
    /** Positions, group by group. */
    int[] order = {};
    /** [groups + 1] where each group begins in {@link #order}. */
    int[] start = {0};
    /** [groups] the value that the positions of a group have in common. */
    int[] row = {};

    private int groups;

    /** Leaves out negative indices. */
    void sort(int[] index, int count) {
        if (keys.length < count) {
            keys = new long[count];
            order = new int[count];
            start = new int[count + 1];
            row = new int[count];
        }
        int used = 0;
        for (int i = 0; i < count; i++) {
            if (index[i] >= 0) {
                keys[used++] = (long) index[i] << Integer.SIZE | i;
            }
        }
        Arrays.sort(keys, 0, used);
        groups = 0;
        for (int i = 0; i < used; i++) {
            order[i] = (int) keys[i];
            int value = (int) (keys[i] >> Integer.SIZE);
            if (groups == 0 || row[groups - 1] != value) {
                row[groups] = value;
                start[groups++] = i;
            }
        }
        start[groups] = used;
    }

    int groups() {
        return groups;
    }
}
