package dev.uncurl.peer;

import static org.bytedeco.pytorch.global.torch.linalg_vector_norm;
import static org.bytedeco.pytorch.global.torch.stack;
import static org.bytedeco.pytorch.global.torch.zeros;
import static org.bytedeco.pytorch.global.torch.zeros_like;

import dev.uncurl.peer.Request.Coefficients;
import java.util.Collection;
import java.util.List;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Dispatcher;
import org.bytedeco.pytorch.GenericList;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.OperatorHandle;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorList;
import org.bytedeco.pytorch.TensorVector;

/**
 * The kernel behind Python's {@code torch.optim.AdamW(fused=True)}, aten::_fused_adamw_, which the C++ class does not
 * use (that one is several times slower). Matrices decay, vectors do not; the kernel's gradient scale clips.
 */
final class FusedAdamW {
    private static final long MATRIX = 2;

    private final OperatorHandle kernel;
    private final Coefficients coefficients;
    private final List<Group> groups;

    /** Tensors with one decay, and their state. */
    private static final class Group {
        final double decay;
        final List<Tensor> parameters;
        final TensorVector values = new TensorVector();
        final TensorVector first = new TensorVector();
        final TensorVector second = new TensorVector();
        final TensorVector steps = new TensorVector();

        Group(double decay, List<Tensor> parameters) {
            this.decay = decay;
            this.parameters = parameters;
            for (Tensor parameter : parameters) {
                values.push_back(parameter);
                first.push_back(zeros_like(parameter.detach()));
                second.push_back(zeros_like(parameter.detach()));
                steps.push_back(zeros(1));
            }
        }
    }

    FusedAdamW(Coefficients coefficients, Collection<Tensor> parameters) {
        this.coefficients = coefficients;
        kernel = Dispatcher.singleton().findSchemaOrThrow("aten::_fused_adamw_", "");
        groups = List.of(
                new Group(
                        coefficients.weightDecay(),
                        parameters.stream()
                                .filter(tensor -> tensor.dim() >= MATRIX)
                                .toList()),
                new Group(
                        0,
                        parameters.stream()
                                .filter(tensor -> tensor.dim() < MATRIX)
                                .toList()));
    }

    /** One step with the gradients that the parameters have, which are then dropped. Outside of any graph. */
    void step(double rate) {
        IValue divisor = divisor();
        for (Group group : groups) {
            try (var scope = new PointerScope()) {
                update(group, rate, divisor);
            }
        }
    }

    /** What gradients are divided by: max(1, norm / maximum), or nothing. */
    private IValue divisor() {
        if (coefficients.maximumNorm() == 0) {
            return new IValue();
        }
        var norms = new TensorVector();
        for (Group group : groups) {
            for (Tensor parameter : group.parameters) {
                norms.push_back(linalg_vector_norm(parameter.grad()));
            }
        }
        return new IValue(linalg_vector_norm(stack(norms))
                .div(new Scalar(coefficients.maximumNorm()))
                .clamp_min(new Scalar(1.0)));
    }

    private void update(Group group, double rate, IValue divisor) {
        var gradients = new TensorVector();
        for (Tensor parameter : group.parameters) {
            gradients.push_back(parameter.grad());
        }
        for (long i = 0; i < group.steps.size(); i++) {
            group.steps.get(i).add_(new Scalar(1.0));
        }
        var arguments = new IValueVector();
        for (var list : List.of(group.values, gradients, group.first, group.second, new TensorVector(), group.steps)) {
            arguments.push_back(new IValue(new GenericList((Pointer) new TensorList(list))));
        }
        for (double value :
                new double[] {rate, coefficients.beta1(), coefficients.beta2(), group.decay, coefficients.epsilon()}) {
            arguments.push_back(new IValue(value));
        }
        var amsgrad = new IValue(false);
        var maximize = new IValue(false);
        var foundInfinity = new IValue();
        arguments.push_back(amsgrad);
        arguments.push_back(maximize);
        arguments.push_back(divisor);
        arguments.push_back(foundInfinity);
        kernel.callBoxed(arguments);
        for (Tensor parameter : group.parameters) {
            parameter.mutable_grad().reset();
        }
    }
}
