package dev.uncurl.jobs;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaCall;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import java.util.List;
import picocli.CommandLine;

/** Jobs moves data between rooms; the arithmetic is lib's. */
@AnalyzeClasses(
        packages = "dev.uncurl",
        importOptions = {ImportOption.DoNotIncludeTests.class, ArchitectureTest.WithoutTestJars.class})
class ArchitectureTest {
    /** Leaves out the test classes of lib where they are on the class path as a jar. */
    static final class WithoutTestJars implements ImportOption {
        @Override
        public boolean includes(Location location) {
            return !location.contains("-tests.jar");
        }
    }

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

    /** The arrows that the package-info files describe. */
    @ArchTest
    static final ArchRule arrows = layeredArchitecture()
            .consideringOnlyDependenciesInLayers()
            .layer("main")
            .definedBy("dev.uncurl.jobs")
            .layer("tokenize")
            .definedBy("dev.uncurl.jobs.tokenize..")
            .layer("train")
            .definedBy("dev.uncurl.jobs.train..")
            .layer("routing")
            .definedBy("dev.uncurl.jobs.routing..")
            .layer("prune")
            .definedBy("dev.uncurl.jobs.prune..")
            .layer("evaluate")
            .definedBy("dev.uncurl.jobs.evaluate..")
            .layer("report")
            .definedBy("dev.uncurl.jobs.report..")
            .layer("verify")
            .definedBy("dev.uncurl.jobs.verify..")
            .layer("sweep")
            .definedBy("dev.uncurl.jobs.sweep..")
            .layer("export")
            .definedBy("dev.uncurl.jobs.export..")
            .layer("maintain")
            .definedBy("dev.uncurl.jobs.maintain..")
            .layer("sql")
            .definedBy("dev.uncurl.jobs.sql..")
            .layer("cli")
            .definedBy("dev.uncurl.jobs.cli..")
            .layer("warehouse")
            .definedBy("dev.uncurl.jobs.warehouse..")
            .layer("cluster")
            .definedBy("dev.uncurl.jobs.cluster..")
            .layer("spark")
            .definedBy("dev.uncurl.jobs.spark..")
            .layer("output")
            .definedBy("dev.uncurl.jobs.output..")
            .whereLayer("main")
            .mayNotBeAccessedByAnyLayer()
            .whereLayer("tokenize")
            .mayOnlyAccessLayers("cli", "warehouse", "spark", "output")
            .whereLayer("train")
            .mayOnlyAccessLayers("evaluate", "cli", "warehouse", "cluster", "spark", "output")
            .whereLayer("routing")
            .mayOnlyAccessLayers("cli", "warehouse", "cluster", "spark", "output")
            .whereLayer("prune")
            .mayOnlyAccessLayers("cli", "warehouse", "spark", "output")
            .whereLayer("evaluate")
            .mayOnlyAccessLayers("cli", "warehouse", "cluster", "spark", "output")
            .whereLayer("report")
            .mayOnlyAccessLayers("evaluate", "cli", "warehouse", "output")
            .whereLayer("verify")
            .mayOnlyAccessLayers("routing", "prune", "cli", "warehouse", "cluster", "spark", "output")
            .whereLayer("sweep")
            .mayOnlyAccessLayers(
                    "routing", "prune", "evaluate", "train", "maintain", "cli", "warehouse", "spark", "output")
            .whereLayer("export")
            .mayOnlyAccessLayers("cli", "warehouse")
            .whereLayer("maintain")
            .mayOnlyAccessLayers("cli", "warehouse", "spark", "output")
            .whereLayer("sql")
            .mayOnlyAccessLayers("cli", "warehouse", "spark", "output")
            .whereLayer("cli")
            .mayOnlyAccessLayers("warehouse", "spark", "output")
            .whereLayer("warehouse")
            .mayOnlyAccessLayers("cluster", "spark", "output")
            .whereLayer("cluster")
            .mayOnlyAccessLayers("spark")
            .whereLayer("spark")
            .mayOnlyAccessLayers("output")
            .whereLayer("output")
            .mayNotAccessAnyLayer();

    @ArchTest
    static final ArchRule commandsDoNotCallEachOther = noClasses()
            .that()
            .resideInAPackage("dev.uncurl.jobs.*..")
            .should(new ArchCondition<>("use a command that is not their own subcommand") {
                @Override
                public void check(JavaClass item, ConditionEvents events) {
                    item.getDirectDependenciesFromSelf().stream()
                            .filter(dependency ->
                                    dependency.getTargetClass().isAnnotatedWith(CommandLine.Command.class))
                            .filter(dependency -> !dependency
                                    .getTargetClass()
                                    .getPackageName()
                                    .equals(item.getPackageName()))
                            .forEach(dependency ->
                                    events.add(SimpleConditionEvent.satisfied(item, dependency.getDescription())));
                }
            });

    /** Top-level classes, each with the classes inside it, use each other in one direction only. */
    @ArchTest
    static final ArchRule classesHaveNoCircles =
            slices().assignedFrom(new TopLevelClasses()).should().beFreeOfCycles();

    private static final class TopLevelClasses implements SliceAssignment {
        @Override
        public SliceIdentifier getIdentifierOf(JavaClass one) {
            return one.getPackageName().startsWith("dev.uncurl.jobs")
                    ? SliceIdentifier.of(one.getName().replaceFirst("\\$.*", ""))
                    : SliceIdentifier.ignore();
        }

        @Override
        public String getDescription() {
            return "top-level classes of jobs";
        }
    }

    /** A public class is a promise to other rooms; what none of them uses is package-private. */
    @ArchTest
    static final ArchRule aRoomsInsideIsPackagePrivate = classes()
            .that()
            .resideInAPackage("dev.uncurl.jobs.*..")
            .and()
            .arePublic()
            .and()
            .areTopLevelClasses()
            .should(ArchitectureTest.beUsedByAnotherRoom());

    private static ArchCondition<JavaClass> beUsedByAnotherRoom() {
        return new ArchCondition<>("be used by another room") {
            @Override
            public void check(JavaClass item, ConditionEvents events) {
                boolean used = item.getPackage().getClasses().stream()
                        .filter(one -> (one.getName() + "$").startsWith(item.getName() + "$"))
                        .flatMap(one -> one.getDirectDependenciesToSelf().stream())
                        .anyMatch(use -> !use.getOriginClass().getPackageName().equals(item.getPackageName()));
                events.add(new SimpleConditionEvent(item, used, item.getName() + " is used by its own room alone"));
            }
        };
    }

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
