/** Which columns of a Gram matrix are alike: k-means, spectral, agglomerative and DBSCAN clustering, the order of a dendrogram's leaves. Knows nothing of plans and models. Uses routing, error. */
package dev.uncurl.clustering;
