package dev.uncurl.jobs.spark;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** The chain of causes of a failure, which Spark, Iceberg and DL4J wrap in exceptions of their own. */
public final class Causes {
    private Causes() {}

    /** Returns a failure and its causes, the outermost first, each once even when the chain is a cycle. */
    public static List<Throwable> of(Throwable failure) {
        Set<Throwable> causes = new LinkedHashSet<>();
        for (Throwable cause = failure; cause != null && causes.add(cause); cause = cause.getCause()) {}
        return new ArrayList<>(causes);
    }
}
