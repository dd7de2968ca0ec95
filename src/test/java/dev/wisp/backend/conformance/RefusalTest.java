package dev.wisp.backend.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wisp.backend.Backend;
import dev.wisp.backend.conformance.Refusal.Kind;
import dev.wisp.backend.cpu.CpuBackend;
import dev.wisp.backend.cpu.CpuOptions;
import dev.wisp.backend.reference.ReferenceBackend;
import java.lang.reflect.Method;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Whatever a caller passes, the process lives and the message names the operation. */
class RefusalTest {
  private static final List<Refusal> REFUSALS = Refusals.all();

  /** The reference runs where it is called, over Java arrays that may be the same. */
  private static final Set<Kind> OF_THE_REFERENCE =
      EnumSet.complementOf(EnumSet.of(Kind.OVERLAP, Kind.THREAD, Kind.CLOSED));

  /** Methods of the backend itself that take nothing a caller could get wrong. */
  private static final Set<String> WITHOUT_REFUSAL =
      Set.of(
          "name",
          "describe",
          "compute",
          "run",
          "peak",
          "precision",
          "takesF16",
          "activations",
          // A hint about values on the host: a device may pass it over.
          "prefetch",
          // By default floats, and refused in its name.
          "read",
          "setPrecision",
          "memoryStatistics",
          "close");

  @TestFactory
  Stream<DynamicTest> theCpuRefusesAsDocumented() {
    Backend shared = cpu();
    return refusals(
            EnumSet.complementOf(EnumSet.of(Kind.CLOSED)),
            refusal -> Refusals.check(refusal, shared))
        .onClose(shared::close);
  }

  @TestFactory
  Stream<DynamicTest> aClosedCpuRefusesAsDocumented() {
    return refusals(
        EnumSet.of(Kind.CLOSED),
        refusal -> {
          try (Backend own = cpu()) {
            return Refusals.check(refusal, own);
          }
        });
  }

  @TestFactory
  Stream<DynamicTest> theReferenceRefusesAsDocumented() {
    Backend reference = new ReferenceBackend();
    return refusals(
        Stream.concat(REFUSALS.stream(), Refusals.ofHalves().stream()),
        OF_THE_REFERENCE,
        refusal -> Refusals.check(refusal, reference));
  }

  @TestFactory
  Stream<DynamicTest> theCpuTakesWhatIsHarmless() {
    Backend shared = cpu();
    return harmless(shared).onClose(shared::close);
  }

  @TestFactory
  Stream<DynamicTest> theReferenceTakesWhatIsHarmless() {
    return harmless(new ReferenceBackend());
  }

  private static Backend cpu() {
    return CpuBackend.open(CpuOptions.standard().withPoison(true));
  }

  private interface Check {
    Optional<String> of(Refusal refusal);
  }

  private static Stream<DynamicTest> refusals(Set<Kind> kinds, Check check) {
    return refusals(REFUSALS.stream(), kinds, check);
  }

  private static Stream<DynamicTest> refusals(
      Stream<Refusal> refusals, Set<Kind> kinds, Check check) {
    return refusals
        .filter(refusal -> kinds.contains(refusal.kind()))
        .map(
            refusal ->
                DynamicTest.dynamicTest(
                    refusal.name(), () -> assertThat(check.of(refusal)).isEmpty()));
  }

  private static Stream<DynamicTest> harmless(Backend backend) {
    return Refusals.harmless(backend).stream()
        .map(call -> DynamicTest.dynamicTest(call.name(), () -> Refusals.check(call, backend)));
  }

  /** A backend that checks nothing must fail the list, not pass it. */
  @Test
  void aBackendThatTakesEverythingIsFoundOut() {
    Refusal unspoiled =
        new Refusal("fill", "nothing wrong", Kind.SHAPE, t -> () -> t.backend().fill(t.f32(2), 1));
    Refusal misnamed =
        new Refusal("relu", "another name", Kind.STATE, t -> () -> throwing("other: was released"));
    Refusal shapeless =
        new Refusal("relu", "no shapes", Kind.VALUE, t -> () -> throwing("relu: a shape"));
    Backend reference = new ReferenceBackend();
    assertThat(Refusals.check(unspoiled, reference))
        .hasValue("fill: nothing wrong: was not refused");
    assertThat(Refusals.check(misnamed, reference)).isPresent();
    assertThat(Refusals.check(shapeless, reference)).isPresent();
  }

  private static void throwing(String message) {
    throw new IllegalStateException(message);
  }

  @Test
  void everyOperationOfTheInterfaceHasARefusalOfEachKindThatItCanMeet() {
    Set<String> operations =
        Stream.of(Backend.class.getMethods())
            .filter(method -> method.getDeclaringClass() != Object.class)
            .map(Method::getName)
            .filter(name -> !WITHOUT_REFUSAL.contains(name))
            .collect(Collectors.toCollection(TreeSet::new));
    assertThat(operations).hasSizeGreaterThan(40);
    for (String operation : operations) {
      Set<Kind> kinds =
          REFUSALS.stream()
              .filter(refusal -> refusal.operation().equals(operation))
              .map(Refusal::kind)
              .collect(Collectors.toCollection(() -> EnumSet.noneOf(Kind.class)));
      assertThat(kinds).as(operation).contains(Kind.CLOSED);
      if (!Set.of("scope", "convWeights").contains(operation)) {
        assertThat(kinds).as(operation).contains(Kind.TYPE, Kind.FOREIGN, Kind.STATE, Kind.THREAD);
      }
    }
  }

  @Test
  void namesAreUnique() {
    assertThat(Stream.concat(REFUSALS.stream(), Refusals.ofHalves().stream()))
        .extracting(Refusal::name)
        .doesNotHaveDuplicates();
    assertThat(Refusals.harmless(new ReferenceBackend()))
        .extracting(Harmless::name)
        .doesNotHaveDuplicates();
  }
}
