package dev.uncurl.pruning;

import dev.uncurl.routing.RouterGram;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * Lloyd's k-means over the E columns of the router logits H, computed from G = H^T H alone (see {@link RouterGram} for
 * the distances): k-means++ seeding, {@value #RESTARTS} restarts, the lowest inertia, exactly K non-empty clusters.
 *
 * <p>Nothing depends on how the experts happen to be numbered: they are first put into an order by content (G_ii, then
 * the sorted row of G, and only for identical columns the id), and all that follows, the random draws included, works in
 * that order. So relabelling the experts relabels the result, to the bit. Ties go to the cluster where the expert is
 * already, else to the lower seed in that order; among restarts of equal inertia the first wins; a cluster that lost all
 * members gets the expert farthest from its own mean.
 */
public final class KMeans {
    static final int RESTARTS = 32;
    private static final int MOST_ITERATIONS = 300;

    /**
     * A clustering.
     *
     * @param labels cluster of each expert; clusters are numbered by their lowest member
     * @param inertia sum over experts of the squared distance to the mean of their cluster
     */
    public record Clustering(int[] labels, double inertia) {}

    private final int experts;
    private final int clusters;
    private final double[] gram;

    private KMeans(double[] gram, int experts, int clusters) {
        this.gram = gram;
        this.experts = experts;
        this.clusters = clusters;
    }

    /** @param clusters K, 1 to E */
    public static Clustering cluster(RouterGram gram, int clusters, long seed) {
        PruningMethods.checkKeep(clusters, gram.experts());
        int[] order = contentOrder(gram);
        var kmeans = new KMeans(reordered(gram, order), gram.experts(), clusters);
        Clustering best = null;
        for (int restart = 0; restart < RESTARTS; restart++) {
            int[] seeds = kmeans.seeds(new Random(Seeds.mix(seed, restart)));
            Clustering found = kmeans.lloyd(seeds);
            if (best == null || found.inertia < best.inertia) {
                best = found;
            }
        }
        int[] labels = new int[gram.experts()];
        for (int position = 0; position < order.length; position++) {
            labels[order[position]] = best.labels[position];
        }
        return new Clustering(LayerPlan.canonical(labels), best.inertia);
    }

    /** The experts in the order of what they are, not of their numbers. */
    static int[] contentOrder(RouterGram gram) {
        int experts = gram.experts();
        double[][] keys = new double[experts][];
        for (int i = 0; i < experts; i++) {
            int row = i;
            double[] sorted = IntStream.range(0, experts)
                    .mapToDouble(j -> gram.at(row, j))
                    .sorted()
                    .toArray();
            keys[i] = new double[experts + 1];
            keys[i][0] = gram.at(i, i);
            System.arraycopy(sorted, 0, keys[i], 1, experts);
        }
        return IntStream.range(0, experts)
                .boxed()
                .sorted(Comparator.comparing((Integer i) -> keys[i], Arrays::compare))
                .mapToInt(Integer::intValue)
                .toArray();
    }

    private static double[] reordered(RouterGram gram, int[] order) {
        int experts = order.length;
        double[] result = new double[experts * experts];
        for (int i = 0; i < experts; i++) {
            for (int j = 0; j < experts; j++) {
                result[i * experts + j] = gram.at(order[i], order[j]);
            }
        }
        return result;
    }

    /** k-means++: each next seed is drawn with probability proportional to its squared distance to the nearest seed. */
    private int[] seeds(Random random) {
        int[] seeds = new int[clusters];
        double[] nearest = new double[experts];
        Arrays.fill(nearest, Double.POSITIVE_INFINITY);
        int next = (int) (random.nextDouble() * experts);
        for (int c = 0; c < clusters; c++) {
            seeds[c] = next;
            double total = 0;
            for (int i = 0; i < experts; i++) {
                double distance = at(i, i) - 2 * at(i, next) + at(next, next);
                nearest[i] = Math.min(nearest[i], i == next ? 0 : Math.max(0, distance));
                total += nearest[i];
            }
            next = draw(nearest, total * random.nextDouble(), Arrays.copyOf(seeds, c + 1));
        }
        Arrays.sort(seeds);
        return seeds;
    }

    private int draw(double[] mass, double target, int[] taken) {
        double sum = 0;
        int last = -1;
        for (int i = 0; i < experts; i++) {
            sum += mass[i];
            if (mass[i] > 0) {
                last = i;
                if (sum > target) {
                    return i;
                }
            }
        }
        // rounding may leave the sum below the target; without any mass all others equal a seed
        return last >= 0
                ? last
                : IntStream.range(0, experts)
                        .filter(i -> IntStream.of(taken).noneMatch(seed -> seed == i))
                        .findFirst()
                        .orElse(0);
    }

    private Clustering lloyd(int[] seeds) {
        int[] labels = new int[experts];
        for (int i = 0; i < experts; i++) {
            double nearest = Double.POSITIVE_INFINITY;
            for (int c = 0; c < clusters; c++) {
                int seed = seeds[c];
                double distance = i == seed ? -1 : Math.max(0, at(i, i) - 2 * at(i, seed) + at(seed, seed));
                if (distance < nearest) {
                    nearest = distance;
                    labels[i] = c;
                }
            }
        }
        double[] distances = new double[experts];
        boolean moved = true;
        for (int iteration = 0; moved && iteration < MOST_ITERATIONS; iteration++) {
            moved = reassign(labels, distances);
        }
        return new Clustering(labels, inertia(labels));
    }

    /** One step: every expert to the nearest mean of the given clusters. @return whether one moved */
    private boolean reassign(int[] labels, double[] distances) {
        Means means = means(labels);
        boolean moved = false;
        int[] sizes = new int[clusters];
        for (int i = 0; i < experts; i++) {
            int label = labels[i];
            double nearest = means.distance(i, label);
            for (int c = 0; c < clusters; c++) {
                double distance = means.distance(i, c);
                if (distance < nearest) {
                    nearest = distance;
                    label = c;
                }
            }
            moved |= label != labels[i];
            labels[i] = label;
            distances[i] = nearest;
            sizes[label]++;
        }
        for (int c = 0; c < clusters; c++) {
            if (sizes[c] == 0) {
                int farthest = farthest(labels, sizes, distances);
                sizes[labels[farthest]]--;
                sizes[c]++;
                labels[farthest] = c;
                distances[farthest] = 0;
                moved = true;
            }
        }
        return moved;
    }

    private int farthest(int[] labels, int[] sizes, double[] distances) {
        int farthest = -1;
        for (int i = 0; i < experts; i++) {
            if (sizes[labels[i]] > 1 && (farthest < 0 || distances[i] > distances[farthest])) {
                farthest = i;
            }
        }
        return farthest;
    }

    private double inertia(int[] labels) {
        Means means = means(labels);
        double inertia = 0;
        for (int i = 0; i < experts; i++) {
            inertia += means.distance(i, labels[i]);
        }
        return inertia;
    }

    /** cross [E, K]: sum of G_ij over the members j of a cluster; within [K]: sum of G_jl over pairs of members. */
    private record Means(KMeans owner, double[] cross, double[] within, int[] sizes) {
        double distance(int i, int c) {
            double size = sizes[c];
            double distance = owner.at(i, i) - 2 / size * cross[i * owner.clusters + c] + within[c] / (size * size);
            return Math.max(0, distance);
        }
    }

    private Means means(int[] labels) {
        var means = new Means(this, new double[experts * clusters], new double[clusters], new int[clusters]);
        for (int i = 0; i < experts; i++) {
            means.sizes[labels[i]]++;
            for (int j = 0; j < experts; j++) {
                means.cross[i * clusters + labels[j]] += at(i, j);
            }
        }
        for (int i = 0; i < experts; i++) {
            means.within[labels[i]] += means.cross[i * clusters + labels[i]];
        }
        return means;
    }

    private double at(int i, int j) {
        return gram[i * experts + j];
    }
}
