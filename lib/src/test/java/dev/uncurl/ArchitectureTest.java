package dev.uncurl;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaMethodCall;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import dev.uncurl.kernel.KernelChoice;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.kernel.nd4j.Nd4jKernels;
import dev.uncurl.kernel.vector.VectorKernels;
import dev.uncurl.pruning.PruningMethod;
import java.util.Set;
import java.util.stream.Stream;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The arrows between the packages of lib, as their package-info files tell them. */
@AnalyzeClasses(packages = "dev.uncurl", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    @ArchTest
    static final ArchRule libKnowsNothingOfSpark =
            noClasses().should().dependOnClassesThat().resideInAPackage("org.apache.spark..");

    @ArchTest
    static final ArchRule packagesHaveNoCycles =
            slices().matching("dev.uncurl.(*)..").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule subpackagesHaveNoCycles = slices().matching("dev.uncurl.(**)")
            .should()
            .beFreeOfCycles()
            .ignoreDependency(KernelChoice.class, Nd4jKernels.class)
            .ignoreDependency(KernelChoice.class, VectorKernels.class);

    @ArchTest
    static final ArchRule dl4jStaysInItsRoom = noClasses()
            .that()
            .resideOutsideOfPackage("dev.uncurl.dl4j..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.deeplearning4j..");

    @ArchTest
    static final ArchRule theVectorApiStaysInTheKernels = noClasses()
            .that()
            .resideOutsideOfPackage("dev.uncurl.kernel..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("jdk.incubator.vector..");

    /** Single elements too: fetched from a view, each may move the whole array between device and host. */
    @ArchTest
    static final ArchRule onlyTheFusedKernelsLookIntoHostMemory = noClasses()
            .that()
            .haveSimpleNameStartingWith("Nd4j")
            .or()
            .resideInAnyPackage("dev.uncurl.model..", "dev.uncurl.dl4j..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("org.bytedeco..", "java.nio", "jdk.incubator..")
            .orShould()
            .callMethodWhere(describe("an address or a single element is taken", ArchitectureTest::looksIntoMemory));

    private static boolean looksIntoMemory(JavaMethodCall call) {
        return Stream.of(INDArray.class, DataBuffer.class, Matrix.class).anyMatch(call.getTargetOwner()::isAssignableTo)
                && Set.of("pointer", "bytes", "address", "putScalar", "getDouble", "getFloat", "getInt")
                        .contains(call.getName());
    }

    @ArchTest
    static final ArchRule plansReadNoWeights = noClasses()
            .that()
            .areAssignableTo(PruningMethod.class)
            .or()
            .haveSimpleName("Planner")
            .or()
            .haveSimpleName("Budget")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("dev.uncurl.checkpoint..");

    @ArchTest
    static final ArchRule arrows = layeredArchitecture()
            .consideringOnlyDependenciesInLayers()
            .layer("error")
            .definedBy("dev.uncurl.error..")
            .layer("config")
            .definedBy("dev.uncurl.config..")
            .layer("tokenizer")
            .definedBy("dev.uncurl.tokenizer..")
            .layer("corpus")
            .definedBy("dev.uncurl.corpus..")
            .layer("kernel")
            .definedBy("dev.uncurl.kernel..")
            .layer("processor")
            .definedBy("dev.uncurl.processor..")
            .layer("collective")
            .definedBy("dev.uncurl.collective..")
            .layer("exchange")
            .definedBy("dev.uncurl.exchange..")
            .layer("model")
            .definedBy("dev.uncurl.model..")
            .layer("dl4j")
            .definedBy("dev.uncurl.dl4j..")
            .layer("checkpoint")
            .definedBy("dev.uncurl.checkpoint..")
            .layer("routing")
            .definedBy("dev.uncurl.routing..")
            .layer("clustering")
            .definedBy("dev.uncurl.clustering..")
            .layer("pruning")
            .definedBy("dev.uncurl.pruning..")
            .layer("evaluation")
            .definedBy("dev.uncurl.evaluation..")
            .layer("machine")
            .definedBy("dev.uncurl.machine..")
            .layer("statistics")
            .definedBy("dev.uncurl.statistics..")
            .whereLayer("error")
            .mayNotAccessAnyLayer()
            .whereLayer("config")
            .mayOnlyAccessLayers("error")
            .whereLayer("tokenizer")
            .mayOnlyAccessLayers("error")
            .whereLayer("corpus")
            .mayOnlyAccessLayers("tokenizer", "error")
            .whereLayer("kernel")
            .mayOnlyAccessLayers("error")
            .whereLayer("processor")
            .mayOnlyAccessLayers("kernel", "error")
            .whereLayer("collective")
            .mayNotAccessAnyLayer()
            .whereLayer("exchange")
            .mayOnlyAccessLayers("collective", "processor", "kernel", "error")
            .whereLayer("model")
            .mayOnlyAccessLayers("exchange", "collective", "processor", "kernel", "config", "error")
            .whereLayer("dl4j")
            .mayOnlyAccessLayers("model", "exchange", "collective", "processor", "kernel", "config", "error")
            .whereLayer("checkpoint")
            .mayOnlyAccessLayers("model", "config", "error")
            .whereLayer("routing")
            .mayOnlyAccessLayers("error")
            .whereLayer("clustering")
            .mayOnlyAccessLayers("routing", "error")
            .whereLayer("pruning")
            .mayOnlyAccessLayers("clustering", "routing", "checkpoint", "model", "kernel", "config", "error")
            .whereLayer("evaluation")
            .mayOnlyAccessLayers("tokenizer", "model", "config", "error")
            .whereLayer("machine")
            .mayOnlyAccessLayers("kernel")
            .whereLayer("statistics")
            .mayNotAccessAnyLayer();

    @ArchTest
    static final ArchRule everyClassHasARoom = classes().should().resideInAPackage("dev.uncurl.(*)..");
}
