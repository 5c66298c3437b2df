package dev.uncurl.kernel.device;

import static org.assertj.core.api.Assertions.fail;

import org.junit.jupiter.api.Assumptions;

/** Whether the C++ compiler that emulates a GPU is there. */
public final class CompilerForTests {
    private CompilerForTests() {}

    /** Skips the test without g++, unless this is CI, which has it. */
    public static void require() {
        if (!StandIn.possible()) {
            String missing =
                    "g++ is not on PATH: the kernels for GPUs cannot be emulated (Debian, Ubuntu: apt-get install g++)";
            if ("required".equals(System.getenv("CI_CXX"))) {
                fail(missing);
            }
            Assumptions.abort(missing);
        }
    }
}
