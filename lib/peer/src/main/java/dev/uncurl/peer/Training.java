package dev.uncurl.peer;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AutoGradMode;

/** A request's model with its optimiser, as it changes from step to step. */
final class Training {
    private final Request request;
    private final Decoder decoder;
    private final FusedAdamW updater;

    Training(Request request) {
        this.request = request;
        decoder = new Decoder(request.settings(), request.parameters());
        updater = new FusedAdamW(request.coefficients(), request.parameters().values());
    }

    /** Leaves the gradients in the parameters. The caller holds the scope of the result. */
    Decoder.Result backward(Batch batch) {
        Decoder.Result result = decoder.forward(batch);
        result.total().backward();
        return result;
    }

    /** Step {@code number}, counted from 0; batches and learning rates come round again. @return its loss before */
    double step(int number) {
        try (var scope = new PointerScope()) {
            double loss = backward(batch(number)).total().item_float();
            try (var plain = new AutoGradMode(false)) {
                updater.step(request.rates()[number % request.rates().length]);
            }
            return loss;
        }
    }

    /** The loss of batch {@code number}, without a graph. */
    double score(int number) {
        try (var scope = new PointerScope();
                var plain = new AutoGradMode(false)) {
            return decoder.forward(batch(number)).total().item_float();
        }
    }

    private Batch batch(int number) {
        return request.batches()[number % request.batches().length];
    }
}
