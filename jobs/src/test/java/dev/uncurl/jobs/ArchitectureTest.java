package dev.uncurl.jobs;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** Jobs moves data; the arithmetic is lib's. */
@AnalyzeClasses(packages = "dev.uncurl", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    @ArchTest
    static final ArchRule jobsDoNoTensorArithmetic = noClasses()
            .that()
            .resideInAPackage("dev.uncurl.jobs..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("dev.uncurl.kernel..", "org.nd4j.linalg.ops..", "org.bytedeco..");

    @ArchTest
    static final ArchRule libDoesNotKnowJobs = noClasses()
            .that()
            .resideOutsideOfPackage("dev.uncurl.jobs..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("dev.uncurl.jobs..");
}
