package dev.wisp.backend.conformance;

import dev.wisp.backend.Backend;
import dev.wisp.backend.conformance.Refusal.Kind;
import dev.wisp.tensor.Scope;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What every backend must refuse, and what it must not, in one list: whatever a caller passes, the
 * process lives, the exception is the documented one and its message names the operation.
 */
public final class Refusals {
  private static final long SEED = 15;

  private Refusals() {}

  /** All calls that every backend has to refuse, grouped by operation. */
  public static List<Refusal> all() {
    List<Refusal> refusals = new ArrayList<>();
    Samples.all().forEach(sample -> refusals.addAll(sample.refusals()));
    refusals.addAll(HalfSamples.refusals());
    refusals.addAll(EmptyRefusals.all());
    refusals.addAll(SpecialRefusals.all());
    return refusals;
  }

  /** Calls with F16 tensors that backends have to refuse which {@link Backend#takesF16}. */
  public static List<Refusal> ofHalves() {
    return HalfSamples.all().stream().flatMap(sample -> sample.refusals().stream()).toList();
  }

  /** Calls that must go through on this backend. */
  public static List<Harmless> harmless(Backend backend) {
    List<Harmless> harmless = new ArrayList<>();
    Stream.of(Samples.all(), HalfSamples.all())
        .flatMap(List::stream)
        .filter(sample -> backend.takesF16() || !sample.isHalf())
        .forEach(sample -> harmless.addAll(sample.harmless()));
    harmless.addAll(HarmlessCalls.all());
    return harmless;
  }

  /**
   * Makes one bad call.
   *
   * @param backend is closed by the call if the refusal is of kind {@link Kind#CLOSED}
   * @return what is wrong with how the backend took it; empty if it refused as it must
   */
  public static Optional<String> check(Refusal refusal, Backend backend) {
    if (refusal.kind() == Kind.THREAD) {
      Scope scope = backend.scope();
      Runnable call = backend.compute(() -> refusal.body().apply(trial(backend, scope)));
      Optional<String> fault = judge(refusal, call);
      backend.run(scope::close);
      return fault;
    }
    return backend.compute(
        () -> {
          try (Scope scope = backend.scope()) {
            Runnable call = refusal.body().apply(trial(backend, scope));
            if (refusal.kind() == Kind.CLOSED) {
              backend.close();
            }
            return judge(refusal, call);
          }
        });
  }

  /** Makes one harmless call; an exception of the backend is passed on. */
  public static void check(Harmless harmless, Backend backend) {
    backend.run(
        () -> {
          try (Scope scope = backend.scope()) {
            harmless.body().apply(trial(backend, scope)).run();
          }
        });
  }

  private static Trial trial(Backend backend, Scope scope) {
    return new Trial(backend, scope, SEED);
  }

  private static Optional<String> judge(Refusal refusal, Runnable call) {
    try {
      call.run();
    } catch (RuntimeException refused) {
      String message = String.valueOf(refused.getMessage());
      Class<?> expected = refusal.kind().expected();
      boolean named =
          refusal.mentions().equals(refusal.operation())
              ? message.startsWith(refusal.operation())
              : message.contains(refusal.mentions());
      boolean shapes = refusal.kind() != Kind.SHAPE || message.contains("[");
      return expected.isInstance(refused) && named && shapes
          ? Optional.empty()
          : Optional.of(
              "%s: expected %s with '%s', got %s"
                  .formatted(
                      refusal.name(), expected.getSimpleName(), refusal.mentions(), refused));
    }
    return Optional.of(refusal.name() + ": was not refused");
  }
}
