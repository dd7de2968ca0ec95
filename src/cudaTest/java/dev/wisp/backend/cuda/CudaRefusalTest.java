package dev.wisp.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wisp.backend.conformance.Refusal;
import dev.wisp.backend.conformance.Refusals;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Whatever a caller passes, a card refuses it as the CPU does, and goes on. */
class CudaRefusalTest {
  private static final List<Refusal> REFUSALS =
      Stream.concat(Refusals.all().stream(), Refusals.ofHalves().stream()).toList();

  @TestFactory
  Stream<DynamicTest> aCardRefusesAsDocumented() {
    CudaBackend shared = open();
    return REFUSALS.stream()
        .filter(refusal -> refusal.kind() != Refusal.Kind.CLOSED)
        .map(
            refusal ->
                DynamicTest.dynamicTest(
                    refusal.name(),
                    () -> {
                      assertThat(Refusals.check(refusal, shared)).isEmpty();
                      assertThat(shared.memoryStatistics().used()).isZero();
                    }))
        .onClose(shared::close);
  }

  @TestFactory
  Stream<DynamicTest> aClosedBackendRefusesAsDocumented() {
    return REFUSALS.stream()
        .filter(refusal -> refusal.kind() == Refusal.Kind.CLOSED)
        .map(
            refusal ->
                DynamicTest.dynamicTest(
                    refusal.name(),
                    () -> {
                      try (CudaBackend own = open()) {
                        assertThat(Refusals.check(refusal, own)).isEmpty();
                      }
                    }));
  }

  @TestFactory
  Stream<DynamicTest> aCardTakesWhatIsHarmless() {
    CudaBackend shared = open();
    return Refusals.harmless(shared).stream()
        .map(call -> DynamicTest.dynamicTest(call.name(), () -> Refusals.check(call, shared)))
        .onClose(shared::close);
  }

  private static CudaBackend open() {
    return CudaBackend.open(CudaOptions.standard().withCacheBytes(0));
  }
}
