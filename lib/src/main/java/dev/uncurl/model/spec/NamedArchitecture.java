package dev.uncurl.model.spec;

import dev.uncurl.error.UserError;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An architecture that is defined only by the names of its router and expert tensors. This is sufficient to drop and merge
 * experts, but not to run the model. Shapes and types are those of the files. Names are templates with {@code {layer}} and
 * {@code {expert}} for the numbers:
 *
 * <pre>
 * model.layers.{layer}.mlp.experts.{expert}.up_proj.weight
 * </pre>
 *
 * A tensor whose name matches no template belongs to no expert and is copied unchanged. A name with the prefix of experts that
 * matches no template is an error, because pruning could not handle that tensor.
 */
public final class NamedArchitecture implements Architecture {
    private static final String LAYER = "{layer}";
    private static final String EXPERT = "{expert}";

    /** Mixtral's names: w1 is the gate Wg, w3 is Wu, w2 is Wd (see {@link #swiGlu}). */
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
    /** Names with the prefix of experts. */
    private final Pattern experts;
    /** Names that belong to a layer. */
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
     * Experts (silu(x Wg^T) * x Wu^T) Wd^T without biases. Matrices are stored output x input, as in torch's linear layers:
     * the hidden neurons are rows of Wg and Wu and columns of Wd.
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
                    "tensor " + name + " belongs to experts, but this architecture has no expert tensor with this name",
                    "Choose the architecture of the model.");
        }
        return new TensorSpec(name, shape, TensorRole.OTHER, layer(name), TensorSpec.NONE, NeuronAxis.NONE, dtype);
    }

    private static TensorSpec found(String name, List<Integer> shape, DType dtype, Template template, Matcher matcher) {
        int dimensions = 2;
        if (shape.size() != dimensions) {
            throw UserError.input(
                    "tensor " + name + " has shape " + shape + ", but should be a matrix",
                    "Choose the architecture of the model.");
        }
        int layer = Integer.parseInt(matcher.group("layer"));
        int expert = template.role == TensorRole.ROUTER ? TensorSpec.NONE : Integer.parseInt(matcher.group("expert"));
        return new TensorSpec(name, shape, template.role, layer, expert, template.axis, dtype);
    }
}
