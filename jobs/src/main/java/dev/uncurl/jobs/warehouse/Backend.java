package dev.uncurl.jobs.warehouse;

import org.nd4j.linalg.factory.Nd4j;

/** Name of the arithmetic library, for a model's lineage. */
public final class Backend {
    private Backend() {}

    /** Class name of ND4J's backend, and version of ND4J's API. */
    public static String name() {
        return Nd4j.getBackend().getClass().getSimpleName() + " "
                + Nd4j.class.getPackage().getImplementationVersion();
    }
}
