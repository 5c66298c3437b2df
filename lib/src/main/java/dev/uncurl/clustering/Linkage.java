package dev.uncurl.clustering;

/**
 * What the distance of two clusters is, and so which of them an agglomerative clustering joins. Each is kept up by the
 * formula of Lance and Williams (1967). {@link #WARD} works on squared distances, the others on distances.
 */
public enum Linkage implements Clusterer {
    /** The mean distance between members. */
    AVERAGE {
        @Override
        double joined(Pair pair) {
            return (pair.sizeA * pair.toA + pair.sizeB * pair.toB) / (pair.sizeA + pair.sizeB);
        }
    },
    /** The largest distance between members. */
    COMPLETE {
        @Override
        double joined(Pair pair) {
            return Math.max(pair.toA, pair.toB);
        }
    },
    /** The smallest distance between members. */
    SINGLE {
        @Override
        double joined(Pair pair) {
            return Math.min(pair.toA, pair.toB);
        }
    },
    /** Twice the rise of inertia if both were one cluster (Ward 1963). */
    WARD {
        @Override
        double joined(Pair pair) {
            double sizes = pair.sizeA + pair.sizeB + pair.sizeC;
            double parts = (pair.sizeA + pair.sizeC) * pair.toA + (pair.sizeB + pair.sizeC) * pair.toB;
            return (parts - pair.sizeC * pair.between) / sizes;
        }
    };

    /** Clusters A and B that are joined, seen from a third, C. */
    record Pair(double toA, double toB, double between, double sizeA, double sizeB, double sizeC) {}

    /** The distance of C to the union of A and B. */
    abstract double joined(Pair pair);

    /** The dendrogram of the columns. */
    public Dendrogram dendrogram(CanonicalGram columns) {
        double[][] distances = columns.squaredDistances();
        if (this != WARD) {
            for (double[] row : distances) {
                for (int j = 0; j < row.length; j++) {
                    row[j] = Math.sqrt(row[j]);
                }
            }
        }
        return Dendrogram.of(distances, this);
    }

    /** Joins the nearest two clusters until K are left. */
    @Override
    public int[] cluster(CanonicalGram columns, int clusters, long seed) {
        return dendrogram(columns).labels(clusters);
    }
}
