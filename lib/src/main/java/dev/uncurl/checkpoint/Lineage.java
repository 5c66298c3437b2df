package dev.uncurl.checkpoint;

import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * How a model was made.
 *
 * @param parentModelId the model from which this one was made; null if it was trained from scratch
 * @param stage initialize, pretrain, prefinetune, finetune or prune
 * @param inputs everything that determined the model: configuration, seed, corpus fingerprints, plan, ...
 * @param command the command line
 * @param java name and version of the virtual machine
 * @param os name, version and architecture of the operating system
 * @param backend arithmetic library and version: {@code nd4j-native 1.0.0-M2.1}; if a GPU computed, also which, and why
 */
public record Lineage(
        String parentModelId,
        String stage,
        SortedMap<String, String> inputs,
        String command,
        String java,
        String os,
        String backend) {
    /** Name of the input that contains the fingerprint of the training data's tokenizer. */
    public static final String TOKENIZER = "tokenizer";

    public Lineage {
        inputs = Collections.unmodifiableSortedMap(new TreeMap<>(inputs));
    }

    /** Fingerprint of the training data's tokenizer; null if none was recorded. */
    public String tokenizer() {
        return inputs.get(TOKENIZER);
    }

    /** The same, computed by another library or on another device. */
    public Lineage withBackend(String other) {
        return new Lineage(parentModelId, stage, inputs, command, java, os, other);
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
