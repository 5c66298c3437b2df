package dev.uncurl.kernel;

/** Log-softmax at the target, fused with the gradient of the cross-entropy. */
public interface CrossEntropy {
    /**
     * Sets {@code logProbabilities[first + i] = logits[i][t] - logsumexp(logits[i])} with
     * {@code t = targets[first + i]}. Unless {@code scale} is 0, logits [R, V] become
     * {@code scale * (softmax - onehot(t))}, and the room between the rows of a padded matrix becomes zeros; with 0 the
     * contents of both are undefined afterwards.
     */
    void forward(Matrix logits, int[] targets, int first, double scale, double[] logProbabilities);
}
