package dev.uncurl.pruning;

import dev.uncurl.clustering.Dbscan;
import dev.uncurl.clustering.KMeans;
import dev.uncurl.clustering.Linkage;
import dev.uncurl.clustering.Spectral;
import dev.uncurl.error.Nearest;
import dev.uncurl.error.UserError;
import dev.uncurl.routing.ExpertStatistics;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** The methods by name, each with what it stands for and the merge weights that belong to it. */
public enum BuiltInMethods implements PruningMethod {
    /** The paper's: k-means on the columns of the router logits, merged by activation counts. */
    UNCURL("uncurl", new LogitClustering(KMeans::cluster), MergeWeights.FREQUENCY),
    /** The same clustering by its own name, to be combined with other weights. */
    KMEANS("kmeans", new LogitClustering(KMeans::cluster), MergeWeights.FREQUENCY),
    /** k-means on eigenvectors of the normalised Laplacian. */
    SPECTRAL("spectral", new LogitClustering(Spectral::cluster), MergeWeights.FREQUENCY),
    /** Joins the two clusters with the lowest mean distance between members. */
    AGGLOMERATIVE_AVERAGE("agglomerative-average", new LogitClustering(Linkage.AVERAGE), MergeWeights.FREQUENCY),
    /** Joins the two clusters with the lowest greatest distance between members. */
    AGGLOMERATIVE_COMPLETE("agglomerative-complete", new LogitClustering(Linkage.COMPLETE), MergeWeights.FREQUENCY),
    /** Joins the two clusters with the lowest smallest distance between members. */
    AGGLOMERATIVE_SINGLE("agglomerative-single", new LogitClustering(Linkage.SINGLE), MergeWeights.FREQUENCY),
    /** Joins the two clusters that raise the inertia least. */
    AGGLOMERATIVE_WARD("agglomerative-ward", new LogitClustering(Linkage.WARD), MergeWeights.FREQUENCY),
    /** Density: what lies close together is merged, the rest is left alone. */
    DBSCAN("dbscan", new LogitClustering(Dbscan::cluster), MergeWeights.FREQUENCY),
    /** The most activated experts attract the others by the cosine of their router logits (MC-SMoE). */
    M_SMOE("m-smoe", new MSmoeGrouping(), MergeWeights.FREQUENCY),
    /** Average linkage of the experts' mean outputs on common tokens (HC-SMoE). */
    HC_SMOE("hc-smoe", new OutputClustering(Linkage.AVERAGE), MergeWeights.FREQUENCY),
    /** The UNCURL paper's naive baseline: keep the K most activated experts. */
    FREQUENCY("frequency", new TopScorePruning(ExpertStatistics::choices), MergeWeights.FREQUENCY),
    /** Keep the K experts with the largest sum of gates. */
    GATE_MASS("gate-mass", new TopScorePruning(ExpertStatistics::gateMass), MergeWeights.FREQUENCY),
    /** Keep the K experts with the highest mean of gate times output norm (REAP). */
    REAP("reap", new TopScorePruning(ExpertStatistics::contribution), MergeWeights.FREQUENCY),
    /** Keep K experts drawn without replacement. */
    RANDOM("random", new RandomPruning(), MergeWeights.FREQUENCY);

    private final String id;
    private final PruningMethod method;
    private final MergeWeights weights;

    BuiltInMethods(String id, PruningMethod method, MergeWeights weights) {
        this.id = id;
        this.method = method;
        this.weights = weights;
    }

    /** @throws UserError (usage) with the nearest name when there is no such method */
    public static BuiltInMethods named(String id) {
        for (BuiltInMethods method : values()) {
            if (method.id.equals(id)) {
                return method;
            }
        }
        throw UserError.usage("There is no pruning method " + id, Nearest.hint(id, ids()));
    }

    /** The names that {@link #named} takes. */
    public static List<String> ids() {
        return Arrays.stream(values()).map(BuiltInMethods::id).collect(Collectors.toList());
    }

    public String id() {
        return id;
    }

    /** The weights of its merges where none are asked for. */
    public MergeWeights weights() {
        return weights;
    }

    /** Whether it keeps K experts and drops the others; else it merges, and drops none. */
    public boolean drops() {
        return method instanceof TopScorePruning || method instanceof RandomPruning;
    }

    /** Whether it reads {@link LayerStatistics#outputs}. */
    public boolean needsOutputs() {
        return method instanceof OutputClustering;
    }

    @Override
    public int[] assignClusters(LayerStatistics evidence, int keep, long seed) {
        return method.assignClusters(evidence, keep, seed);
    }
}
