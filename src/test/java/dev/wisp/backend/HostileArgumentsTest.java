package dev.wisp.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.backend.MapOps.Normalization;
import dev.wisp.backend.OptimizerOps.SgdSlot;
import dev.wisp.backend.cpu.CpuOptions;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Whatever a caller passes, the process lives and the message names the operation: on the cpu, or on
 * the device that the system property {@value #DEVICE} names.
 */
class HostileArgumentsTest {
  private static final String DEVICE = "wisp.test.device";

  private static Backend backend;

  @BeforeAll
  static void open() {
    backend =
        Backends.open(
            System.getProperty(DEVICE, "cpu"), CpuOptions.standard().withPoison(true));
  }

  @AfterAll
  static void close() {
    backend.close();
  }

  /** Runs on the compute thread, with a scope of its own. */
  private static void inScope(Consumer<Scope> body) {
    backend.run(
        () -> {
          try (Scope scope = backend.scope()) {
            body.accept(scope);
          }
        });
  }

  private static void refused(String operation, String problem, ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(operation + ": ")
        .hasMessageContaining(problem);
  }

  @Test
  void aReleasedTensorIsRefusedByName() {
    inScope(
        scope -> {
          Tensor x = scope.f32(2, 3);
          Tensor y = scope.f32(2, 3);
          y.release();
          assertThatThrownBy(() -> backend.relu(x, y))
              .isInstanceOf(IllegalStateException.class)
              .hasMessage("relu: out F32[2, 3] (released) was released or its scope is closed");
        });
  }

  @Test
  void aTensorOfAClosedScopeIsRefused() {
    backend.run(
        () -> {
          Scope scope = backend.scope();
          Tensor x = scope.f32(4);
          scope.close();
          assertThatThrownBy(() -> backend.fill(x, 1))
              .isInstanceOf(IllegalStateException.class)
              .hasMessageContaining("its scope is closed");
          assertThatThrownBy(() -> scope.f32(4)).isInstanceOf(IllegalStateException.class);
        });
  }

  @Test
  void aViewDiesWithItsOrigin() {
    inScope(
        scope -> {
          Tensor x = scope.f32(6);
          Tensor view = x.reshape(2, 3);
          x.release();
          assertThatThrownBy(() -> backend.fill(view, 1)).isInstanceOf(IllegalStateException.class);
        });
  }

  @Test
  void aWrongElementTypeIsRefused() {
    inScope(
        scope -> {
          Tensor ids = scope.i32(4);
          refused("relu", "x is I32[4], expected F32[4]", () -> backend.relu(ids, scope.f32(4)));
          refused("upload", "expected F32", () -> backend.upload(new float[4], ids));
          refused("copy", "expected F32", () -> backend.copy(scope.f32(4), ids));
        });
  }

  @Test
  void lengthsOfHostArraysMustAgree() {
    inScope(
        scope -> {
          refused("upload", "must have 3", () -> backend.upload(new float[3], scope.f32(4)));
          refused("upload", "must have 5", () -> backend.upload(new int[5], scope.i32(4)));
        });
  }

  @TestFactory
  Stream<DynamicTest> misshapedOperandsAreRefusedWithTheShapes() {
    ClassRows rows = ClassRows.present(new int[][] {{1}, {}}, 2);
    return Stream.of(
        hostile("relu", s -> backend.relu(s.f32(2, 3), s.f32(3, 2))),
        hostile("reluBackward", s -> backend.reluBackward(s.f32(4), s.f32(4), s.f32(5), s.f32(4))),
        hostile("addScaled", s -> backend.addScaled(1, s.f32(4), s.f32(5))),
        hostile("addMirrored", s -> backend.addMirrored(s.f32(1, 2, 2, 3), s.f32(1, 2, 3, 2))),
        hostile(
            "denormalize",
            s -> backend.denormalize(s.f32(1, 2, 2, 4), new float[3], new float[3], s.f32(1))),
        hostile(
            "denormalize",
            s ->
                backend.denormalize(
                    s.f32(1, 2, 2, 3), new float[2], new float[3], s.f32(1, 2, 2, 3))),
        hostile("spatialMean", s -> backend.spatialMean(s.f32(1, 0, 2, 3), s.f32(1, 3))),
        hostile("spatialMean", s -> backend.spatialMean(s.f32(2, 2, 3), s.f32(2, 3))),
        hostile(
            "softMarginLoss",
            s -> backend.softMarginLoss(s.f32(2, 3), s.f32(3, 2), s.f32(1), null)),
        hostile(
            "softMarginLoss",
            s -> backend.softMarginLoss(s.f32(0, 3), s.f32(0, 3), s.f32(1), null)),
        hostile(
            "meanAbsoluteDifference",
            s ->
                backend.meanAbsoluteDifference(
                    s.f32(4, 2, 2), s.f32(4, 2, 2), rows, s.f32(1), null)),
        hostile(
            "batchNormForward",
            s ->
                backend.batchNormForward(
                    s.f32(1, 2, 2, 3),
                    s.f32(3),
                    s.f32(4),
                    1e-5f,
                    null,
                    true,
                    s.f32(1, 2, 2, 3),
                    s.f32(3),
                    s.f32(3))),
        hostile(
            "batchNormUpdate",
            s -> backend.batchNormUpdate(s.f32(3), s.f32(3), 1e-5f, 1, 0.1f, s.f32(3), s.f32(3))),
        hostile(
            "l2Normalize",
            s -> backend.l2Normalize(s.f32(1, 2, 2, 3), 1e-5f, s.f32(1, 2, 2, 3), s.f32(4))),
        hostile(
            "resizeBilinear",
            s -> backend.resizeBilinear(s.f32(1, 2, 2, 3), s.f32(1, 4, 4, 5), 3, true)),
        hostile(
            "resizeBilinear",
            s -> backend.resizeBilinear(s.f32(1, 2, 2, 3), s.f32(1, 4, 4, 5), -1, true)),
        hostile(
            "resizeBilinear",
            s -> backend.resizeBilinear(s.f32(1, 0, 2, 3), s.f32(1, 4, 4, 3), 0, true)),
        hostile(
            "resizeBilinearBackward",
            s -> backend.resizeBilinearBackward(s.f32(2, 4, 4, 3), 0, s.f32(1, 2, 2, 3), true)),
        hostile(
            "camToMaps",
            s ->
                backend.camToMaps(
                    s.f32(2, 2, 2, 3),
                    null,
                    rows,
                    1e-5f,
                    s.f32(3, 2, 2),
                    s.i32(2, 2),
                    s.i32(2, 2, 2))),
        hostile(
            "normalizeMaps",
            s ->
                backend.normalizeMaps(
                    s.f32(2, 0, 2), Normalization.MAX, 1e-5f, s.f32(2, 0, 2), s.i32(2, 2))),
        hostile("argmaxMaps", s -> backend.argmaxMaps(s.f32(4, 2, 2), rows, 1, s.i32(2, 2, 2))),
        hostile("gradientNorm", s -> backend.gradientNorm(List.of(s.f32(4)), s.f32(2))),
        hostile(
            "sgdStep",
            s ->
                backend.sgdStep(
                    List.of(new SgdSlot(s.f32(4), s.f32(4), null, 1)), s.f32(1), 1, 0, 0.9f, true)),
        hostile(
            "sgdStep",
            s ->
                backend.sgdStep(
                    List.of(new SgdSlot(s.f32(4), s.f32(5), null, 1)), s.f32(1), 1, 0, 0, true)),
        hostile(
            "foldNorm",
            s ->
                backend.foldNorm(
                    s.f32(3), s.f32(3), s.f32(3), s.f32(2), 1e-5f, s.f32(3), s.f32(3))),
        hostile("maxPool", s -> backend.maxPool(s.f32(1, 0, 4, 2), s.f32(1, 1, 2, 2), null)),
        hostile("maxPool", s -> backend.maxPool(s.f32(1, 5, 4, 2), s.f32(1, 2, 2, 2), null)),
        hostile(
            "structureSeeds",
            s ->
                backend.structureSeeds(
                    s.f32(2, 2, 2, 3),
                    s.f32(5, 2, 2),
                    rows,
                    rows,
                    null,
                    1e-5f,
                    s.i32(2, 2, 2),
                    null)),
        hostile(
            "prototypes",
            s -> backend.prototypes(s.f32(2, 2, 2, 3), s.i32(2, 2, 2), rows, s.f32(3, 4))),
        hostile(
            "prototypesBackward",
            s -> backend.prototypesBackward(s.f32(3, 3), s.i32(2, 4), rows, s.f32(2, 2, 2, 3))),
        hostile(
            "reactivate",
            s ->
                backend.reactivate(
                    s.f32(2, 2, 2, 3),
                    s.f32(3, 4),
                    rows,
                    s.f32(2, 2, 2),
                    s.f32(3),
                    s.f32(3, 2, 2))),
        hostile(
            "pamrAffinity",
            s ->
                backend.pamrAffinity(
                    s.f32(1, 4, 4, 3), PamrOptions.standard(), s.f32(1, 8, 4, 4), null, null)),
        hostile(
            "pamrSteps",
            s ->
                backend.pamrSteps(
                    s.f32(2, 48, 4, 4),
                    s.f32(4, 4, 4),
                    rows,
                    PamrOptions.standard(),
                    s.f32(4, 4, 4))),
        hostile(
            "maxPoolBackward",
            s -> backend.maxPoolBackward(s.f32(1, 2, 2, 2), s.i32(1, 2, 2, 1), s.f32(1, 4, 4, 2))));
  }

  private static DynamicTest hostile(String operation, Consumer<Scope> call) {
    return DynamicTest.dynamicTest(
        operation, () -> inScope(scope -> refused(operation, "32[", () -> call.accept(scope))));
  }

  @Test
  void misusedConvolutionsAreRefusedByName() {
    inScope(
        scope -> {
          ConvSpec spec = new ConvSpec(3, 4, 3, 1, 1, 1);
          try (ConvWeights weights = backend.convWeights(spec)) {
            Tensor x = scope.f32(1, 5, 5, 3);
            Tensor y = scope.f32(1, 5, 5, 4);
            assertThatThrownBy(() -> backend.convForward(weights, x, null, null, false, y))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageStartingWith("convForward");
            Tensor values = scope.f32(4, 3, 3, 3);
            backend.fill(values, 1);
            backend.loadWeights(weights, values, null);
            assertThatThrownBy(
                    () -> backend.convForward(weights, scope.f32(1, 5, 5, 2), null, null, false, y))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("[1, 5, 5, 2]");
            assertThatThrownBy(() -> backend.convForward(weights, x, scope.f32(3), null, false, y))
                .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(
                    () -> backend.convBackwardWeights(spec, x, scope.f32(1, 4, 5, 4), values, null))
                .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> backend.loadWeights(weights, scope.f32(4, 3, 3, 2), null))
                .isInstanceOf(IllegalArgumentException.class);
          }
        });
  }

  @Test
  void seedsThatAreNoClassAreIgnored() {
    inScope(
        scope -> {
          ClassRows rows = ClassRows.all(1, 1);
          Tensor feature = scope.f32(1, 2, 2, 3);
          backend.fill(feature, 1);
          Tensor seeds = scope.i32(1, 2, 2);
          backend.upload(new int[] {-7, Integer.MAX_VALUE, Integer.MIN_VALUE, 2}, seeds);
          Tensor prototypes = scope.f32(2, 3);
          backend.prototypes(feature, seeds, rows, prototypes);
          assertThat(backend.floats(prototypes)).containsOnly(0);
          backend.prototypesBackward(prototypes, seeds, rows, feature);
          assertThat(backend.floats(feature)).containsOnly(1);
        });
  }

  @Test
  void outputsMustNotShareMemoryWithOtherOperands() {
    inScope(
        scope -> {
          Tensor x = scope.f32(1, 2, 2, 3);
          refused(
              "addScaled",
              "target F32[1, 2, 2, 3] shares memory",
              () -> backend.addScaled(1, x, x));
          refused(
              "l2Normalize",
              "shares memory with x",
              () -> backend.l2Normalize(x, 1e-5f, x.reshape(1, 2, 2, 3), scope.f32(1, 2, 2)));
          Tensor weight = scope.f32(4);
          SgdSlot slot = new SgdSlot(weight, scope.f32(4), null, 1);
          refused(
              "sgdStep",
              "shares memory",
              () -> backend.sgdStep(List.of(slot, slot), scope.f32(1), 1, 0, 0, true));
        });
  }

  @Test
  void inPlaceIsAllowedWhereTheOperationSaysSo() {
    inScope(
        scope -> {
          Tensor x = scope.f32(3);
          backend.upload(new float[] {-1, 0, 2}, x);
          backend.relu(x, x);
          assertThat(backend.floats(x)).containsExactly(0, 0, 2);
          Tensor gradient = scope.f32(3);
          backend.upload(new float[] {5, 6, 7}, gradient);
          backend.reluBackward(x, gradient, gradient, gradient);
          assertThat(backend.floats(gradient)).containsExactly(0, 0, 14);
        });
  }

  @Test
  void imagesWithoutClassesAndEmptyBatchesGoThrough() {
    inScope(
        scope -> {
          ClassRows background = ClassRows.present(new int[][] {{}, {}}, 3);
          Tensor cam = scope.f32(2, 3, 5, 3);
          backend.fill(cam, -1);
          Tensor maps = scope.f32(2, 3, 5);
          Tensor peak = scope.i32(2, 3);
          Tensor winner = scope.i32(2, 3, 5);
          backend.camToMaps(cam, null, background, 1e-5f, maps, peak, winner);
          assertThat(backend.floats(maps)).containsOnly(1);
          backend.camToMapsBackward(
              cam, null, background, 1e-5f, peak, winner, maps, scope.f32(2, 3, 5, 3));
          Tensor seeds = scope.i32(2, 3, 5);
          backend.argmaxMaps(maps, background, 0.8f, seeds);
          assertThat(backend.ints(seeds)).containsOnly(0);

          ClassRows none = ClassRows.present(new int[][] {}, 3);
          backend.camToMaps(
              scope.f32(0, 3, 5, 3),
              null,
              none,
              1e-5f,
              scope.f32(0, 3, 5),
              scope.i32(0, 3),
              scope.i32(0, 3, 5));
          backend.argmaxMaps(scope.f32(0, 3, 5), none, 1, scope.i32(0, 3, 5));
          backend.resizeBilinear(scope.f32(0, 3, 5, 1), scope.f32(0, 6, 7, 1), 0, false);
          backend.normalizeMaps(
              scope.f32(0, 3, 5), Normalization.MAX, 1, scope.f32(0, 3, 5), scope.i32(0, 2));
          Tensor norm = scope.f32(1);
          backend.gradientNorm(List.of(), norm);
          assertThat(backend.floats(norm)).containsExactly(0);
          backend.sgdStep(List.of(), norm, 1, 0, 0, true);
        });
  }

  @Test
  void notANumberAndInfinityGoThroughEveryOperationWithoutACrash() {
    inScope(
        scope -> {
          Tensor x = scope.f32(2, 5, 7, 3);
          Tensor same = scope.f32(2, 5, 7, 3);
          float[] values = new float[2 * 5 * 7 * 3];
          for (int i = 0; i < values.length; i++) {
            values[i] =
                switch (i % 4) {
                  case 0 -> Float.NaN;
                  case 1 -> Float.POSITIVE_INFINITY;
                  case 2 -> Float.NEGATIVE_INFINITY;
                  default -> i;
                };
          }
          backend.upload(values, x);
          Tensor pooled = scope.f32(2, 3, 4, 3);
          Tensor index = scope.i32(2, 3, 4, 3);
          backend.maxPool(x, pooled, index);
          backend.maxPoolBackward(pooled, index, same);
          assertThat(Arrays.stream(backend.ints(index))).allMatch(at -> at >= 0 && at < 35);
          backend.l2Normalize(x, 1e-5f, same, scope.f32(2, 5, 7));
          backend.resizeBilinear(x, scope.f32(2, 11, 3, 3), 0, true);
          backend.softMarginLoss(
              x.reshape(70, 3), same.reshape(70, 3), scope.f32(1), scope.f32(70, 3));
          ClassRows all = ClassRows.all(2, 3);
          Tensor maps = scope.f32(8, 5, 7);
          Tensor peak = scope.i32(2, 3);
          Tensor winner = scope.i32(2, 5, 7);
          backend.camToMaps(x, null, all, 1e-5f, maps, peak, winner);
          backend.camToMapsBackward(x, null, all, 1e-5f, peak, winner, maps, same);
          backend.argmaxMaps(maps, all, Float.NaN, scope.i32(2, 5, 7));
          Tensor norm = scope.f32(1);
          backend.gradientNorm(List.of(x), norm);
          assertThat(backend.floats(norm)).containsExactly(Float.NaN);
        });
  }

  @Test
  void indicesFromElsewhereAreIgnoredNotFollowed() {
    inScope(
        scope -> {
          ClassRows rows = ClassRows.all(1, 2);
          Tensor cam = scope.f32(1, 2, 2, 2);
          backend.fill(cam, 1);
          Tensor peak = scope.i32(1, 2);
          Tensor winner = scope.i32(1, 2, 2);
          backend.upload(new int[] {Integer.MAX_VALUE, Integer.MIN_VALUE}, peak);
          backend.upload(new int[] {-5, 99, Integer.MAX_VALUE, Integer.MIN_VALUE}, winner);
          Tensor gradient = scope.f32(3, 2, 2);
          backend.fill(gradient, 1);
          backend.camToMapsBackward(
              cam, null, rows, 1e-5f, peak, winner, gradient, scope.f32(1, 2, 2, 2));
          Tensor index = scope.i32(1, 1, 1, 2);
          backend.upload(new int[] {123456789, -1}, index);
          Tensor dx = scope.f32(1, 2, 2, 2);
          Tensor dy = scope.f32(1, 1, 1, 2);
          backend.fill(dy, 3);
          backend.maxPoolBackward(dy, index, dx);
          assertThat(backend.floats(dx)).containsOnly(0);
        });
  }
}
