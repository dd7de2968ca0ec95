package dev.wisp.architecture;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class LayersTest {
  /** Lowest first. */
  private static final List<String> LAYERS =
      List.of(
          "dev.wisp.common..",
          "dev.wisp.tensor..",
          "dev.wisp.backend..",
          "dev.wisp.io..",
          "dev.wisp.data..",
          "dev.wisp.autograd..",
          "dev.wisp.nn..",
          "dev.wisp.method..",
          "dev.wisp.golden..",
          "dev.wisp.pipeline..",
          "dev.wisp",
          "dev.wisp.cli..");

  private static JavaClasses classes;

  @BeforeAll
  static void importClasses() {
    classes =
        new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            // The cuda profile's build folder, which ArchUnit does not know.
            .withImportOption(location -> !location.contains("/test-classes/"))
            .importPackages("dev.wisp");
  }

  @TestFactory
  Stream<DynamicTest> aLayerKnowsOnlyThoseBelowIt() {
    return Stream.iterate(0, i -> i < LAYERS.size() - 1, i -> i + 1)
        .map(
            i -> {
              String layer = LAYERS.get(i);
              String[] above = LAYERS.subList(i + 1, LAYERS.size()).toArray(String[]::new);
              return DynamicTest.dynamicTest(
                  layer,
                  () ->
                      noClasses()
                          .that()
                          .resideInAPackage(layer)
                          .should()
                          .dependOnClassesThat()
                          .resideInAnyPackage(above)
                          .allowEmptyShould(true)
                          .check(classes));
            });
  }

  @Test
  void everyClassBelongsToALayer() {
    assertThat(classes)
        .allMatch(resideInAnyPackage(LAYERS.toArray(String[]::new))::test, "is in a listed layer");
  }

  @Test
  void noPublicSignatureMentionsNativeMemoryOrAPresetType() {
    DescribedPredicate<JavaClass> foreign =
        describe(
            "native memory and preset types",
            type ->
                type.getPackageName().startsWith("java.lang.foreign")
                    || type.getPackageName().startsWith("org.bytedeco")
                    || type.getPackageName().startsWith("jcuda"));
    classes()
        .that()
        .arePublic()
        .should(
            new ArchCondition<>("keep native types out of public signatures") {
              @Override
              public void check(JavaClass type, ConditionEvents events) {
                type.getCodeUnits().stream()
                    .filter(LayersTest::isExposed)
                    .filter(
                        unit ->
                            foreign.test(unit.getRawReturnType())
                                || unit.getRawParameterTypes().stream().anyMatch(foreign))
                    .forEach(unit -> violated(events, type, unit.getFullName()));
                type.getFields().stream()
                    .filter(LayersTest::isExposed)
                    .filter(field -> foreign.test(field.getRawType()))
                    .forEach(field -> violated(events, type, field.getFullName()));
              }
            })
        .check(classes);
  }

  @Test
  void onlyTheCpuBackendTheImageCodecAndWhatBindsCudnnOrNcclTouchBytedeco() {
    noClasses()
        .that()
        .resideOutsideOfPackages("dev.wisp.backend.cpu..", "dev.wisp.io..")
        .and()
        .haveNameNotMatching("dev\\.wisp\\.backend\\.cuda\\.(Cudnn|Nccl).*")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("org.bytedeco..")
        .check(classes);
  }

  @Test
  void theLibraryNeverExitsTheProcess() {
    noClasses()
        .that()
        .resideOutsideOfPackage("dev.wisp.cli..")
        .should()
        .callMethod(System.class, "exit", int.class)
        .check(classes);
  }

  private static boolean isExposed(JavaCodeUnit unit) {
    return unit.getModifiers().contains(JavaModifier.PUBLIC)
        || unit.getModifiers().contains(JavaModifier.PROTECTED);
  }

  private static boolean isExposed(JavaField field) {
    return field.getModifiers().contains(JavaModifier.PUBLIC)
        || field.getModifiers().contains(JavaModifier.PROTECTED);
  }

  private static void violated(ConditionEvents events, JavaClass type, String member) {
    events.add(SimpleConditionEvent.violated(type, member + " exposes a native type"));
  }
}
