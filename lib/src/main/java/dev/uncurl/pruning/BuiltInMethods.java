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

/** The pruning methods by name, each with its algorithm and its default merge weights. */
public enum BuiltInMethods implements PruningMethod {
    /** The UNCURL paper's method: k-means on the columns of the router logits, merged by activation counts. */
    UNCURL("uncurl", new LogitClustering(KMeans::cluster), MergeWeights.FREQUENCY),
    /** The clustering of UNCURL under its own name, for use with other merge weights. */
    KMEANS("kmeans", new LogitClustering(KMeans::cluster), MergeWeights.FREQUENCY),
    /** k-means on eigenvectors of the normalised Laplacian. */
    SPECTRAL("spectral", new LogitClustering(Spectral::cluster), MergeWeights.FREQUENCY),
    /** Joins the two clusters whose mean distance between members is lowest. */
    AGGLOMERATIVE_AVERAGE("agglomerative-average", new LogitClustering(Linkage.AVERAGE), MergeWeights.FREQUENCY),
    /** Joins the two clusters whose greatest distance between members is lowest. */
    AGGLOMERATIVE_COMPLETE("agglomerative-complete", new LogitClustering(Linkage.COMPLETE), MergeWeights.FREQUENCY),
    /** Joins the two clusters whose smallest distance between members is lowest. */
    AGGLOMERATIVE_SINGLE("agglomerative-single", new LogitClustering(Linkage.SINGLE), MergeWeights.FREQUENCY),
    /** Joins the two clusters that increase the inertia least (Ward). */
    AGGLOMERATIVE_WARD("agglomerative-ward", new LogitClustering(Linkage.WARD), MergeWeights.FREQUENCY),
    /** Density: experts in dense regions are merged, all others stay single. */
    DBSCAN("dbscan", new LogitClustering(Dbscan::cluster), MergeWeights.FREQUENCY),
    /** The most activated experts attract the others by the cosine of their router logits (MC-SMoE). */
    M_SMOE("m-smoe", new MSmoeGrouping(), MergeWeights.FREQUENCY),
    /** Clusters by average linkage of the experts' mean outputs on common tokens (HC-SMoE). */
    HC_SMOE("hc-smoe", new OutputClustering(Linkage.AVERAGE), MergeWeights.FREQUENCY),
    /** The UNCURL paper's naive baseline: keeps the K most activated experts. */
    FREQUENCY("frequency", new TopScorePruning(ExpertStatistics::choices), MergeWeights.FREQUENCY),
    /** Keeps the K experts with the largest sum of gates. */
    GATE_MASS("gate-mass", new TopScorePruning(ExpertStatistics::gateMass), MergeWeights.FREQUENCY),
    /** Keeps the K experts with the highest mean of gate times output norm (REAP). */
    REAP("reap", new TopScorePruning(ExpertStatistics::contribution), MergeWeights.FREQUENCY),
    /** Keeps K experts drawn at random without replacement. */
    RANDOM("random", new RandomPruning(), MergeWeights.FREQUENCY);

    private final String id;
    private final PruningMethod method;
    private final MergeWeights weights;

    BuiltInMethods(String id, PruningMethod method, MergeWeights weights) {
        this.id = id;
        this.method = method;
        this.weights = weights;
    }

    /** @throws UserError (usage) if there is no such method; suggests the nearest name */
    public static BuiltInMethods named(String id) {
        for (BuiltInMethods method : values()) {
            if (method.id.equals(id)) {
                return method;
            }
        }
        throw UserError.usage("There is no pruning method " + id, Nearest.hint(id, ids()));
    }

    /** The names that {@link #named} accepts. */
    public static List<String> ids() {
        return Arrays.stream(values()).map(BuiltInMethods::id).collect(Collectors.toList());
    }

    public String id() {
        return id;
    }

    /** The default merge weights of the method. */
    public MergeWeights weights() {
        return weights;
    }

    /** Whether the method keeps K experts and drops the others; otherwise it merges experts and drops none. */
    public boolean drops() {
        return method instanceof TopScorePruning || method instanceof RandomPruning;
    }

    /** Whether the method reads {@link LayerStatistics#outputs}. */
    public boolean needsOutputs() {
        return method instanceof OutputClustering;
    }

    /** Whether the clusters depend on the seed; otherwise every seed gives the same ones. */
    public boolean usesSeed() {
        return switch (this) {
            case UNCURL, KMEANS, SPECTRAL, RANDOM -> true;
            case AGGLOMERATIVE_AVERAGE,
                    AGGLOMERATIVE_COMPLETE,
                    AGGLOMERATIVE_SINGLE,
                    AGGLOMERATIVE_WARD,
                    DBSCAN,
                    M_SMOE,
                    HC_SMOE,
                    FREQUENCY,
                    GATE_MASS,
                    REAP -> false;
        };
    }

    @Override
    public int[] assignClusters(LayerStatistics layer, int clusters, long seed) {
        return method.assignClusters(layer, clusters, seed);
    }
}
