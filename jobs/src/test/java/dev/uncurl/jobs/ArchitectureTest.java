package dev.uncurl.jobs;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaCall;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.util.List;

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

    /** Digits and letters of the user's country, or bytes of the machine's encoding, would get into files and tables. */
    @ArchTest
    static final ArchRule nothingIsWrittenByTheLocaleOrTheMachinesEncoding = noClasses()
            .should()
            .callCodeUnitWhere(
                    describe("depends on the locale or the encoding", ArchitectureTest::dependsOnTheMachine));

    private static boolean dependsOnTheMachine(JavaCall<?> call) {
        var target = call.getTarget();
        String owner = target.getOwner().getSimpleName();
        List<String> parameters = target.getRawParameterTypes().stream()
                .map(JavaClass::getSimpleName)
                .toList();
        boolean named = parameters.contains("Locale") || parameters.contains("Charset");
        return switch (target.getName()) {
            case "format", "printf", "formatted" -> !named
                    && List.of("String", "PrintStream", "PrintWriter", "Formatter")
                            .contains(owner);
            case "toLowerCase", "toUpperCase" -> owner.equals("String") && !named;
            case "getBytes" -> owner.equals("String") && parameters.isEmpty();
            case "<init>" -> switch (owner) {
                case "String" -> parameters.contains("byte[]") && !named && !parameters.contains("String");
                case "Formatter", "Scanner", "DecimalFormat", "SimpleDateFormat" -> true;
                case "InputStreamReader", "OutputStreamWriter", "FileReader", "FileWriter", "PrintStream" -> !named;
                default -> false;
            };
            default -> false;
        };
    }
}
