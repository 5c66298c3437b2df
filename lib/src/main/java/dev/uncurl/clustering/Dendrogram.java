package dev.uncurl.clustering;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The merges of an agglomerative clustering. Starting with n clusters of one member, the two nearest are merged until
 * one is left; ties are broken by the lowest member of the first cluster, then of the second.
 */
public final class Dendrogram {
    /**
     * A merge of two clusters, each identified by its lowest member.
     *
     * @param into lowest member of one cluster, which identifies the union
     * @param from lowest member of the other cluster
     * @param height their distance
     */
    public record Merge(int into, int from, double height) {}

    private final List<Merge> merges;

    private Dendrogram(List<Merge> merges) {
        this.merges = List.copyOf(merges);
    }

    /** @param distances [n, n] symmetric, squared for {@link Linkage#WARD}; n is at least 1; not modified */
    static Dendrogram of(double[][] distances, Linkage linkage) {
        int count = distances.length;
        double[][] between = Arrays.stream(distances).map(double[]::clone).toArray(double[][]::new);
        int[] sizes = new int[count];
        Arrays.fill(sizes, 1);
        var merges = new ArrayList<Merge>();
        while (merges.size() < count - 1) {
            Merge merge = nearest(between, sizes);
            int a = merge.into;
            int b = merge.from;
            for (int c = 0; c < count; c++) {
                if (sizes[c] > 0 && c != a && c != b) {
                    between[a][c] = linkage.joined(
                            new Linkage.Pair(between[a][c], between[b][c], merge.height, sizes[a], sizes[b], sizes[c]));
                    between[c][a] = between[a][c];
                }
            }
            sizes[a] += sizes[b];
            sizes[b] = 0;
            merges.add(merge);
        }
        return new Dendrogram(merges);
    }

    private static Merge nearest(double[][] between, int[] sizes) {
        int into = -1;
        int from = -1;
        double height = Double.POSITIVE_INFINITY;
        for (int a = 0; a < sizes.length; a++) {
            for (int b = a + 1; sizes[a] > 0 && b < sizes.length; b++) {
                if (sizes[b] > 0 && (into < 0 || between[a][b] < height)) {
                    into = a;
                    from = b;
                    height = between[a][b];
                }
            }
        }
        return new Merge(into, from, height);
    }

    /** The n - 1 merges, in order. */
    public List<Merge> merges() {
        return merges;
    }

    /** @param clusters K, 1 to n. @return the cluster of each member, 0 to K - 1, after the first n - K merges */
    int[] labels(int clusters) {
        int count = merges.size() + 1;
        int[] labels = IntStream.range(0, count).toArray();
        for (Merge merge : merges.subList(0, count - clusters)) {
            for (int i = 0; i < count; i++) {
                labels[i] = labels[i] == merge.from ? merge.into : labels[i];
            }
        }
        return Labels.canonical(labels);
    }
}
