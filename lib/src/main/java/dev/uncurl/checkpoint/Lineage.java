package dev.uncurl.checkpoint;

import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Where a model comes from.
 *
 * @param parentModelId the model that this one was made of; null for one trained from scratch
 * @param stage initialize, pretrain, prefinetune, finetune or prune
 * @param inputs everything that determined the model: configuration, seed, corpus fingerprints, plan, ...
 * @param command the command line that made it
 * @param java version of the virtual machine
 * @param os name, version and architecture of the operating system
 * @param backend what did the arithmetic, with version: {@code nd4j-native 1.0.0-M2.1}
 */
public record Lineage(
        String parentModelId,
        String stage,
        SortedMap<String, String> inputs,
        String command,
        String java,
        String os,
        String backend) {
    /** The input that is the fingerprint of the tokenizer of the training data. */
    public static final String TOKENIZER = "tokenizer";

    public Lineage {
        inputs = Collections.unmodifiableSortedMap(new TreeMap<>(inputs));
    }

    /** Fingerprint of the tokenizer of the training data; null where none was recorded. */
    public String tokenizer() {
        return inputs.get(TOKENIZER);
    }

    /** The lineage of a model made by this process. */
    public static Lineage here(
            String parentModelId, String stage, Map<String, String> inputs, String command, String backend) {
        String java = System.getProperty("java.vm.name") + " " + Runtime.version();
        String os = System.getProperty("os.name") + " " + System.getProperty("os.version") + " "
                + System.getProperty("os.arch");
        return new Lineage(parentModelId, stage, new TreeMap<>(inputs), command, java, os, backend);
    }
}
