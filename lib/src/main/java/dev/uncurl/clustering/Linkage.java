package dev.uncurl.clustering;

/**
 * Defines the distance of two clusters, which determines the pair that an agglomerative clustering merges next.
 * Distances are updated by the formula of Lance and Williams (1967). {@link #WARD} uses squared distances, the others
 * distances.
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
    /** Twice the increase of inertia if the two clusters are merged (Ward 1963). */
    WARD {
        @Override
        double joined(Pair pair) {
            double sizes = pair.sizeA + pair.sizeB + pair.sizeC;
            double parts = (pair.sizeA + pair.sizeC) * pair.toA + (pair.sizeB + pair.sizeC) * pair.toB;
            return (parts - pair.sizeC * pair.between) / sizes;
        }
    };

    /** Clusters A and B that are merged, and their distances to a third, C. */
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

    /** Merges the two nearest clusters until K are left. */
    @Override
    public int[] cluster(CanonicalGram columns, int clusters, long seed) {
        return dendrogram(columns).labels(clusters);
    }
}
