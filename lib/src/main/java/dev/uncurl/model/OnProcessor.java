package dev.uncurl.model;

import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.kernel.KernelChoice;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.model.spec.ExpertShare;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.ParameterLayout;
import dev.uncurl.processor.Processor;
import java.util.ArrayList;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Makes models that score on a {@link Processor}, which the caller closes after the model. A device gets a copy of the parameters. */
public final class OnProcessor {
    private OnProcessor() {}

    /** @param maxTokens maximal rows * columns of a batch */
    public static SmoeLanguageModel forScoring(
            Processor processor, ModelConfig config, INDArray flatParameters, int maxTokens) {
        var place = new Place(processor, KernelChoice.threads(), Peers.NONE);
        return place.model(config, ExpertShare.ALL, flatParameters, maxTokens);
    }

    /**
     * A model whose experts are divided among ranks, each of which scores batches of its own. When it has no more, it calls
     * {@link SmoeLanguageModel#joinPasses}.
     *
     * @param flatParameters those of this rank, as {@link ParameterLayout#of(ModelConfig, ExpertShare)} has them
     * @param maxTokens maximal rows * columns of a batch
     * @param slots task slots that all ranks have together; each has as many threads as its part of them
     */
    public static SmoeLanguageModel forScoring(
            Processor processor,
            ModelConfig config,
            ExpertShare share,
            INDArray flatParameters,
            int maxTokens,
            CollectivePeers ranks,
            int slots) {
        int threads = Math.max(1, slots * KernelChoice.threads() / ranks.ranks().size());
        return new Place(processor, threads, ranks).model(config, share, flatParameters, maxTokens);
    }

    private record Place(Processor processor, int threads, Peers scorers) {
        SmoeLanguageModel model(ModelConfig config, ExpertShare share, INDArray flatParameters, int maxTokens) {
            var owned = new ArrayList<AutoCloseable>();
            try {
                Kernels kernels = processor.kernels(flatParameters.dataType(), threads);
                owned.add(kernels);
                FlatMemory parameters = FlatMemory.of(flatParameters);
                if (!processor.isHost()) {
                    FlatMemory copy = kernels.allocate(flatParameters.dataType(), parameters.length());
                    owned.add(copy);
                    parameters.copyTo(copy, 0, parameters.length());
                    parameters = copy;
                }
                var held = new HeldModel(config, share, parameters, null, 0, 0);
                return new SmoeLanguageModel(kernels, owned, held, maxTokens, scorers);
            } catch (RuntimeException e) {
                closeAll(owned);
                throw e;
            }
        }
    }

    /** Closes kernels and memory. */
    static void closeAll(List<AutoCloseable> all) {
        for (AutoCloseable one : all) {
            try {
                one.close();
            } catch (RuntimeException e) {
                throw e;
            } catch (Exception e) { // neither kernels nor memory throw any
                throw new IllegalStateException(e);
            }
        }
    }
}
