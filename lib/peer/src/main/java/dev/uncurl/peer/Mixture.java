package dev.uncurl.peer;

import static org.bytedeco.pytorch.global.torch.argsort;
import static org.bytedeco.pytorch.global.torch.bincount;
import static org.bytedeco.pytorch.global.torch.cat;
import static org.bytedeco.pytorch.global.torch.logsumexp;
import static org.bytedeco.pytorch.global.torch.softmax;
import static org.bytedeco.pytorch.global.torch.topk;

import dev.uncurl.peer.Request.Settings;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Router and experts of one block for one batch: x + sum over the chosen e of gate_e expert_e(normed). */
final class Mixture {
    /** One of the feed-forward networks, by number. */
    interface Expert {
        Tensor forward(int expert, Tensor rows);
    }

    private final Settings settings;
    private final Tensor router;
    private final Expert expert;
    private Tensor balance;
    private Tensor z;

    /** @param router [E, D] */
    Mixture(Settings settings, Tensor router, Expert expert) {
        this.settings = settings;
        this.router = router;
        this.expert = expert;
    }

    /**
     * @param x [N, D] the residual stream
     * @param normed [N, D]
     * @param real [R] the rows that are routed, null for all
     */
    Tensor forward(Tensor x, Tensor normed, Tensor real) {
        long experts = router.size(0);
        long choices = settings.topK();
        Tensor routed = real == null ? normed : normed.index_select(0, real);
        Tensor logits = routed.mm(router.t());
        Tensor probabilities = softmax(logits, 1);
        var top = topk(probabilities, choices);
        Tensor gates = top.get0();
        if (settings.renormalize() && choices > 1) {
            gates = gates.div(gates.sum(new long[] {1}, true, new ScalarTypeOptional()));
        }
        Tensor chosen = top.get1().flatten();
        Tensor counts = bincount(chosen, new TensorOptional(), experts);
        Tensor order = argsort(chosen, true, 0, false);
        Tensor row = order.floor_divide(new Scalar(choices));
        if (real != null) {
            row = real.index_select(0, row);
        }
        long[] sizes = new long[(int) experts];
        counts.data_ptr_long().get(sizes);
        // one split: its way back is one concatenation, where a slice per expert would each fill a whole gradient
        TensorVector parts = normed.index_select(0, row).split_with_sizes(sizes);
        var outputs = new TensorVector();
        for (int e = 0; e < experts; e++) {
            outputs.push_back(expert.forward(e, parts.get(e)));
        }
        Tensor weights = gates.flatten().index_select(0, order).unsqueeze(1);
        Tensor share = counts.to(ScalarType.Float).div(new Scalar((double) chosen.size(0)));
        balance = share.mul(probabilities.mean(0)).sum().mul(new Scalar((double) experts));
        z = logsumexp(logits, 1).square().mean();
        return x.index_add(0, row, cat(outputs, 0).mul(weights));
    }

    /** E sum_e f_e P_e of the last pass. */
    Tensor balance() {
        return balance;
    }

    /** mean(logsumexp^2) of the last pass. */
    Tensor z() {
        return z;
    }
}
