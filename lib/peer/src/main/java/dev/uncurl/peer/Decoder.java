package dev.uncurl.peer;

import static org.bytedeco.pytorch.global.torch.cross_entropy_loss;
import static org.bytedeco.pytorch.global.torch.embedding;
import static org.bytedeco.pytorch.global.torch.gelu;
import static org.bytedeco.pytorch.global.torch.layer_norm;
import static org.bytedeco.pytorch.global.torch.scaled_dot_product_attention;

import dev.uncurl.peer.Request.Settings;
import java.util.Map;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;

/**
 * The decoder of design.md, section 5, as one would write it in PyTorch for speed: one graph per batch for autograd,
 * fused attention, tokens brought into the order of experts. Stateless but for the parameters.
 */
final class Decoder {
    private static final double EPSILON = 1e-5;
    private static final long MEAN = 1;
    private static final long NOTHING_TO_PREDICT = -1;

    private final Settings settings;
    private final Map<String, Tensor> parameters;
    private final int layers;
    private final long width;

    /**
     * What a pass gives, each a tensor of the graph.
     *
     * @param logits [N, V]
     * @param total crossEntropy + balanceLoss * balance + zLoss * z
     */
    record Result(Tensor logits, Tensor crossEntropy, Tensor balance, Tensor z, Tensor total) {}

    Decoder(Settings settings, Map<String, Tensor> parameters) {
        this.settings = settings;
        this.parameters = parameters;
        int count = 0;
        while (parameters.containsKey("h." + count + ".ln_1.weight")) {
            count++;
        }
        layers = count;
        width = parameter("wte.weight").size(1);
    }

    private Tensor parameter(String name) {
        Tensor tensor = parameters.get(name);
        if (tensor == null) {
            throw new IllegalArgumentException("The request has no tensor " + name);
        }
        return tensor;
    }

    Result forward(Batch batch) {
        Tensor positions = parameter("wpe.weight").narrow(0, 0, batch.columns());
        Tensor x = embedding(parameter("wte.weight"), batch.tokens())
                .add(positions)
                .view((long) batch.rows() * batch.columns(), width);
        Tensor balance = Tensor.create(0f);
        Tensor z = Tensor.create(0f);
        for (int layer = 0; layer < layers; layer++) {
            String block = "h." + layer + ".";
            x = x.add(attention(block + "attn.", norm(block + "ln_1.", x), batch));
            Tensor normed = norm(block + "ln_2.", x);
            if (parameters.containsKey(block + "moe.router.weight")) {
                var mixture = new Mixture(
                        settings,
                        parameter(block + "moe.router.weight"),
                        (expert, rows) -> feedForward(block + "moe.experts." + expert + ".", rows));
                x = mixture.forward(x, normed, batch.real());
                balance = balance.add(mixture.balance());
                z = z.add(mixture.z());
            } else {
                x = x.add(feedForward(block + "mlp.", normed));
            }
        }
        Tensor logits = norm("ln_f.", x).mm(parameter("wte.weight").t());
        Tensor crossEntropy =
                cross_entropy_loss(logits, batch.targets(), new TensorOptional(), MEAN, NOTHING_TO_PREDICT, 0);
        Tensor total = crossEntropy
                .add(balance.mul(new Scalar(settings.balanceLoss())))
                .add(z.mul(new Scalar(settings.zLoss())));
        return new Result(logits, crossEntropy, balance, z, total);
    }

    private Tensor norm(String prefix, Tensor x) {
        return layer_norm(
                x,
                new long[] {width},
                new TensorOptional(parameter(prefix + "weight")),
                new TensorOptional(parameter(prefix + "bias")),
                EPSILON,
                true);
    }

    private Tensor linear(String prefix, Tensor x) {
        return parameter(prefix + "bias").addmm(x, parameter(prefix + "weight"));
    }

    private Tensor feedForward(String prefix, Tensor x) {
        return linear(prefix + "c_proj.", gelu(linear(prefix + "c_fc.", x), "tanh"));
    }

    private Tensor attention(String prefix, Tensor x, Batch batch) {
        long heads = settings.heads();
        Tensor qkv = linear(prefix + "c_attn.", x)
                .view(batch.rows(), batch.columns(), 3, heads, width / heads)
                .permute(2, 0, 3, 1, 4);
        Tensor attended = scaled_dot_product_attention(
                qkv.select(0, 0),
                qkv.select(0, 1),
                qkv.select(0, 2),
                new TensorOptional(),
                0.0,
                true,
                new DoubleOptional(),
                false);
        return linear(prefix + "c_proj.", attended.transpose(1, 2).reshape(-1, width));
    }
}
