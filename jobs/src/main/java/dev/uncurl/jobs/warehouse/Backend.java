package dev.uncurl.jobs.warehouse;

import org.nd4j.linalg.factory.Nd4j;

/** What does the arithmetic, for a model's lineage. */
public final class Backend {
    private Backend() {}

    /** Class of ND4J's backend and version of its API. */
    public static String name() {
        return Nd4j.getBackend().getClass().getSimpleName() + " "
                + Nd4j.class.getPackage().getImplementationVersion();
    }
}
