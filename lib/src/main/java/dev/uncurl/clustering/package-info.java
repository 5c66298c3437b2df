/** Clustering of columns, given their Gram matrix: k-means, spectral, agglomerative and DBSCAN, and the order of a
 * dendrogram's leaves. Independent of plans and models. Uses routing, error. */
package dev.uncurl.clustering;
