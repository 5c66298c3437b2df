package dev.uncurl.jobs.evaluate;

import java.io.Serializable;
import java.util.Optional;
import org.apache.commons.codec.digest.DigestUtils;
import org.apache.iceberg.expressions.Expression;
import org.apache.iceberg.expressions.Expressions;

/**
 * Everything that determines the rows of evaluation.examples and evaluation.results.
 *
 * @param promptVersion null for sequences
 * @param planned null for a model as it is stored
 */
record ScoringKey(
        String modelId,
        String task,
        String split,
        String manifestSha256,
        String data,
        String promptVersion,
        ScoredModel.Planned planned)
        implements Serializable {
    /** Changes when the same key would give other rows, so that blocks of an earlier release are not used. */
    private static final String RELEASE = "2";

    static ScoringKey of(ScoredModel model, ScoringInputs inputs) {
        return new ScoringKey(
                model.id(),
                inputs.label(),
                inputs.split(),
                model.sha256(),
                inputs.data(),
                inputs.promptVersion(),
                model.planned().orElse(null));
    }

    /** A hash of all fields. */
    String id() {
        return DigestUtils.sha256Hex(String.join(
                "\n",
                RELEASE,
                modelId,
                task,
                split,
                manifestSha256,
                data,
                String.valueOf(promptVersion),
                String.valueOf(planned)));
    }

    ScoringKey withData(String other) {
        return new ScoringKey(modelId, task, split, manifestSha256, other, promptVersion, planned);
    }

    Optional<String> planId() {
        return Optional.ofNullable(planned).map(ScoredModel.Planned::planId);
    }

    Optional<String> router() {
        return Optional.ofNullable(planned).map(ScoredModel.Planned::router);
    }

    /** The rows that the rows of this key replace. */
    Expression partition() {
        return Expressions.and(
                Expressions.equal("model_id", modelId),
                Expressions.equal("task", task),
                Expressions.equal("split", split));
    }

    /** The rows of this key. */
    Expression rows() {
        return Expressions.and(
                partition(),
                Expressions.equal("manifest_sha256", manifestSha256),
                Expressions.equal("data", data),
                equal("prompt_version", Optional.ofNullable(promptVersion)),
                equal("plan_id", planId()),
                equal("router", router()));
    }

    private static Expression equal(String column, Optional<String> value) {
        return value.<Expression>map(text -> Expressions.equal(column, text))
                .orElseGet(() -> Expressions.isNull(column));
    }

    @Override
    public String toString() {
        return modelId + " on " + task + " (" + split + ")";
    }
}
