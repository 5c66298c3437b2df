package dev.uncurl.kernel;

import org.nd4j.common.io.Resource;
import org.nd4j.linalg.factory.Environment;
import org.nd4j.linalg.factory.Nd4jBackend;

/**
 * Not a backend: ND4J creates all that the class path names before it loads native code, whoever uses it first, and this one
 * sets {@link BlasCore} then. It is never available.
 */
public final class BlasCoreBackend extends Nd4jBackend {
    public BlasCoreBackend() {
        BlasCore.set();
    }

    @Override
    public boolean isAvailable() {
        return false;
    }

    @Override
    public boolean canRun() {
        return false;
    }

    @Override
    public boolean allowsOrder() {
        return false;
    }

    @Override
    public int getPriority() {
        return BACKEND_PRIORITY_CPU;
    }

    @Override
    public Resource getConfigurationResource() {
        throw new UnsupportedOperationException("Not a backend");
    }

    @Override
    public Class<?> getNDArrayClass() {
        throw new UnsupportedOperationException("Not a backend");
    }

    @Override
    public Environment getEnvironment() {
        throw new UnsupportedOperationException("Not a backend");
    }

    @Override
    public String buildInfo() {
        return "";
    }

    @Override
    public void logBackendInit() {}
}
