package dev.uncurl.model.spec;

import dev.uncurl.error.UserError;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An architecture of which only the names of router and expert tensors are known: enough to drop and merge experts, not
 * to compute with the model. Shapes and types are those of the files. Names are templates with {@code {layer}} and
 * {@code {expert}} in place of the numbers:
 *
 * <pre>
 * model.layers.{layer}.mlp.experts.{expert}.up_proj.weight
 * </pre>
 *
 * A name that matches no template belongs to no expert and is copied as it is; but one below the prefix of experts
 * that matches none is refused, since what it holds would be lost or left behind.
 */
public final class NamedArchitecture implements Architecture {
    private static final String LAYER = "{layer}";
    private static final String EXPERT = "{expert}";

    /** Mixtral's names: w1 is the gate, w3 the other matrix into the hidden neurons, w2 the one out of them. */
    public static final NamedArchitecture MIXTRAL = swiGlu(
            "model.layers.{layer}.block_sparse_moe.gate.weight",
            "model.layers.{layer}.block_sparse_moe.experts.{expert}.",
            "w1.weight",
            "w3.weight",
            "w2.weight");

    /** OLMoE's names. */
    public static final NamedArchitecture OLMOE = swiGlu(
            "model.layers.{layer}.mlp.gate.weight",
            "model.layers.{layer}.mlp.experts.{expert}.",
            "gate_proj.weight",
            "up_proj.weight",
            "down_proj.weight");

    private final List<Template> templates = new ArrayList<>();
    /** Of a name that belongs to an expert of some layer. */
    private final Pattern experts;
    /** Of a name that belongs to a layer. */
    private final Pattern layers;

    private record Template(Pattern pattern, TensorRole role, NeuronAxis axis) {}

    private NamedArchitecture(String router, String expert) {
        templates.add(new Template(pattern(router), TensorRole.ROUTER, NeuronAxis.NONE));
        experts = Pattern.compile(
                pattern(expert.substring(0, expert.indexOf(EXPERT))).pattern() + ".*");
        layers = Pattern.compile(pattern(expert.substring(0, expert.indexOf(LAYER) + LAYER.length()))
                        .pattern() + "\\..*");
    }

    /**
     * Experts (silu(x Wg^T) * x Wu^T) Wd^T without biases, each matrix stored output x input as torch's linear layers
     * are: the hidden neurons are rows of Wg and Wu and columns of Wd.
     *
     * @param router template of the router's matrix [E, D]
     * @param expert template of the prefix of an expert's tensors
     * @param gate name of Wg [F, D] after that prefix
     * @param up name of Wu [F, D]
     * @param down name of Wd [D, F]
     */
    public static NamedArchitecture swiGlu(String router, String expert, String gate, String up, String down) {
        var architecture = new NamedArchitecture(router, expert);
        architecture.add(expert + gate, TensorRole.EXPERT_GATE, NeuronAxis.ROWS);
        architecture.add(expert + up, TensorRole.EXPERT_UP, NeuronAxis.ROWS);
        architecture.add(expert + down, TensorRole.EXPERT_DOWN, NeuronAxis.COLUMNS);
        return architecture;
    }

    private void add(String template, TensorRole role, NeuronAxis axis) {
        templates.add(new Template(pattern(template), role, axis));
    }

    private static Pattern pattern(String template) {
        return Pattern.compile(Pattern.quote(template)
                .replace(LAYER, "\\E(?<layer>\\d{1,6})\\Q")
                .replace(EXPERT, "\\E(?<expert>\\d{1,6})\\Q"));
    }

    @Override
    public int layer(String name) {
        Matcher block = layers.matcher(name);
        return block.matches() ? Integer.parseInt(block.group("layer")) : TensorSpec.NONE;
    }

    @Override
    public TensorSpec describe(String name, List<Integer> shape, DType dtype) {
        for (Template template : templates) {
            Matcher matcher = template.pattern.matcher(name);
            if (matcher.matches()) {
                return found(name, shape, dtype, template, matcher);
            }
        }
        if (experts.matcher(name).matches()) {
            throw UserError.input(
                    "tensor " + name + " belongs to experts, but is none of those that this architecture knows",
                    "Choose the architecture that the model has.");
        }
        return new TensorSpec(name, shape, TensorRole.OTHER, layer(name), TensorSpec.NONE, NeuronAxis.NONE, dtype);
    }

    private static TensorSpec found(String name, List<Integer> shape, DType dtype, Template template, Matcher matcher) {
        int dimensions = 2;
        if (shape.size() != dimensions) {
            throw UserError.input(
                    "tensor " + name + " has shape " + shape + ", it should be a matrix",
                    "Choose the architecture that the model has.");
        }
        int layer = Integer.parseInt(matcher.group("layer"));
        int expert = template.role == TensorRole.ROUTER ? TensorSpec.NONE : Integer.parseInt(matcher.group("expert"));
        return new TensorSpec(name, shape, template.role, layer, expert, template.axis, dtype);
    }
}
