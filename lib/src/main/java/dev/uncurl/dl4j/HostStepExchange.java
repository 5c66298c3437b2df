package dev.uncurl.dl4j;

import dev.uncurl.collective.Collectives;
import dev.uncurl.model.BackwardProgress;
import dev.uncurl.model.spec.ElementRange;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/**
 * Exchanges Deeplearning4j's arrays. What a device has goes through them: gradients are copied to the host as soon as they are final,
 * and only then may others sum them there.
 */
final class HostStepExchange implements StepExchange {
    private final MultiLayerNetwork network;
    private final SmoeOutputLayer layer;
    private final Collectives ranks;
    private final ExchangeClock clock;
    private final List<Section> sections;
    private final boolean beside;

    /** @param beside whether gradients are exchanged while others are computed, which does not change a bit */
    HostStepExchange(MultiLayerNetwork network, List<Section> sections, boolean beside) {
        this.network = network;
        layer = SmoeNetwork.layer(network);
        ranks = layer.place().ranks();
        clock = layer.place().clock();
        this.sections = sections;
        this.beside = beside;
    }

    @Override
    public void sumGradients(Consumer<BackwardProgress> pass) {
        try (var exchange = GradientExchange.begin(sections, network::getFlattenedGradients, ranks, beside)) {
            List<Section> waiting = new ArrayList<>(shared());
            pass.accept(block -> {
                gradientsToHost(waiting, block);
                exchange.done(block);
            });
            gradientsToHost(waiting, Section.EMBEDDINGS);
            exchange.finish(clock);
            shared().forEach(section -> layer.arrays().gradientsFromHost(section.slice()));
        }
    }

    /** Those that are final when the backward pass has done a block, and that are not there yet. */
    private void gradientsToHost(List<Section> waiting, int block) {
        for (Section section : List.copyOf(waiting)) {
            if (section.layer() >= block) {
                layer.arrays().gradientsToHost(section.range());
                waiting.remove(section);
            }
        }
    }

    @Override
    public void shareParameters() {
        RankArrays arrays = layer.arrays();
        shared().forEach(section -> arrays.parametersToHost(section.slice()));
        clock.time(() -> sections.forEach(section -> section.allGather(network.params())));
        for (Section section : shared()) {
            ElementRange own = section.slice();
            arrays.parametersFromHost(new ElementRange(section.range().from(), own.from()));
            arrays.parametersFromHost(new ElementRange(own.to(), section.range().to()));
        }
    }

    private List<Section> shared() {
        return sections.stream().filter(Section::isShared).toList();
    }
}
