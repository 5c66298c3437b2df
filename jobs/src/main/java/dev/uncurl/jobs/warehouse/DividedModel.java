package dev.uncurl.jobs.warehouse;

import dev.uncurl.collective.Collectives;
import dev.uncurl.exchange.DeviceExchanges;
import dev.uncurl.jobs.cluster.RankStage;
import dev.uncurl.jobs.cluster.TaskProcessor;
import dev.uncurl.model.CollectivePeers;
import dev.uncurl.model.OnProcessor;
import dev.uncurl.model.SmoeLanguageModel;
import dev.uncurl.model.spec.ExpertShare;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.processor.Processor;
import java.io.IOException;
import java.io.Serializable;
import java.util.Optional;
import java.util.function.ToIntFunction;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What one rank holds of a model whose experts are divided, in memory, to score batches together with the other ranks. */
public final class DividedModel implements AutoCloseable {
    private final ModelConfig config;
    private final INDArray parameters;
    private final Processor processor;
    private final DeviceExchanges exchanges;
    private final SmoeLanguageModel model;

    /**
     * How a model is divided.
     *
     * @param expertParallel ranks that hold all experts together
     * @param slots task slots of all ranks
     */
    public record Division(ModelCache.Source source, int expertParallel, int slots) implements Serializable {
        /** Loads the part of a rank. @param batch the most sequences of full length in a batch */
        public DividedModel load(Collectives ranks, int batch) throws IOException {
            return load(ranks, config -> batch * config.sequenceLength());
        }

        /** Loads the part of a rank. @param tokens the most in a batch, given the model's configuration */
        public DividedModel load(Collectives ranks, ToIntFunction<ModelConfig> tokens) throws IOException {
            var share = ExpertShare.of(ranks.rank(), expertParallel);
            ModelCache.Loaded loaded = source.load(share);
            return new DividedModel(loaded, share, ranks, tokens.applyAsInt(loaded.config()), slots);
        }
    }

    private DividedModel(ModelCache.Loaded loaded, ExpertShare share, Collectives ranks, int tokens, int slots) {
        config = loaded.config();
        parameters = loaded.parameters();
        processor = TaskProcessor.open(ranks.rank());
        DeviceExchanges opened = null;
        try {
            Collectives all = ranks.group(IntStream.range(0, ranks.size()).toArray());
            opened = DeviceExchanges.agree(TaskProcessor.nccl(), processor, all, RankStage.STALL);
            exchanges = opened;
            var peers = CollectivePeers.of(ranks, share, exchanges);
            model = OnProcessor.forScoring(processor, config, share, parameters, tokens, peers, slots);
        } catch (RuntimeException e) {
            if (opened != null) {
                opened.close();
            }
            processor.close();
            throw e;
        }
    }

    public ModelConfig config() {
        return config;
    }

    /** The model; after the last batch of this rank {@link SmoeLanguageModel#joinPasses} is to be called. */
    public SmoeLanguageModel model() {
        return model;
    }

    /** The kind of device that computes the model; empty for the CPU. */
    public Optional<String> device() {
        return processor.isHost() ? Optional.empty() : Optional.of(processor.kind());
    }

    @Override
    public void close() {
        exchanges.close();
        model.close();
        processor.close();
        parameters.close();
    }
}
