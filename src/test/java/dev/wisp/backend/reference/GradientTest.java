package dev.wisp.backend.reference;

import dev.wisp.backend.ClassRows;
import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.ConvWeights;
import dev.wisp.backend.MapOps.Normalization;
import dev.wisp.common.CounterRandom;
import dev.wisp.tensor.DType;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * The reference's backward operations against central differences of its forward ones, in float64.
 * The function differentiated is the output's product with fixed random numbers, so that every
 * element of the Jacobian counts.
 */
class GradientTest {
  private static final float EPS = 1e-5f;
  private static final ClassRows ROWS = ClassRows.present(new int[][] {{2, 5}, {}, {1, 4, 6}}, 6);

  private final ReferenceBackend b = ReferenceBackend.exact();
  private final CounterRandom random = CounterRandom.of(15);
  private Scope scope = b.scope();

  @BeforeEach
  void open() {
    scope = b.scope();
  }

  @AfterEach
  void close() {
    scope.close();
  }

  private Tensor normal(long... sizes) {
    return tensor(random::nextGaussian, sizes);
  }

  private Tensor uniform(double low, double high, long... sizes) {
    return tensor(() -> random.uniform(low, high), sizes);
  }

  private Tensor tensor(java.util.function.DoubleSupplier source, long... sizes) {
    Tensor tensor = scope.f32(sizes);
    double[] values = new double[Math.toIntExact(Shape.of(sizes).elements())];
    Arrays.setAll(values, i -> source.getAsDouble());
    b.upload(values, tensor);
    return tensor;
  }

  private Tensor zeros(long... sizes) {
    return tensor(() -> 0, sizes);
  }

  private void check(Tensor x, Tensor dOut, CentralDifferences.Forward forward, Tensor gradient) {
    CentralDifferences.check(b, x, dOut, forward, gradient);
  }

  @TestFactory
  Stream<DynamicTest> convolutionsGradientsAreItsDerivatives() {
    return Stream.of(
            new ConvSpec(3, 2, 1, 1, 0, 1),
            new ConvSpec(2, 3, 3, 1, 1, 1),
            new ConvSpec(2, 3, 3, 2, 1, 1),
            new ConvSpec(2, 2, 3, 1, 2, 2),
            new ConvSpec(2, 2, 3, 1, 24, 24),
            new ConvSpec(1, 2, 7, 2, 3, 1))
        .map(spec -> DynamicTest.dynamicTest(spec.toString(), () -> convolution(spec)));
  }

  @Test
  void thePixelCrossEntropysGradientIsItsDerivative() {
    for (int[] s : new int[][] {{2, 3, 4, 5, 11, 9}, {1, 5, 3, 2, 5, 3}, {1, 4, 6, 3, 2, 3}}) {
      Tensor logits = normal(s[0], s[1], s[2], s[3]);
      Tensor labels = scope.allocate(DType.U8, Shape.of(s[0], s[4], s[5]));
      byte[] ids = new byte[s[0] * s[4] * s[5]];
      for (int i = 0; i < ids.length; i++) {
        ids[i] = (byte) (i % 4 == 3 ? 255 : random.nextInt(s[3]));
      }
      b.upload(ids, labels);
      Tensor loss = scope.f32(1);
      Tensor gradient = scope.f32(logits.shape().toArray());
      b.pixelCrossEntropy(logits, labels, loss, gradient);
      check(
          logits,
          tensor(() -> 1, 1),
          x -> {
            Tensor out = scope.f32(1);
            b.pixelCrossEntropy(x, labels, out, null);
            return out;
          },
          gradient);
    }
  }

  @Test
  void dropoutsGradientIsDropoutOfTheGradient() {
    Tensor x = normal(3, 4, 5);
    Tensor dy = normal(3, 4, 5);
    Tensor dx = scope.f32(3, 4, 5);
    b.dropout(dy, 0.4f, 77, 9, dx);
    check(
        x,
        dy,
        changed -> {
          Tensor y = scope.f32(3, 4, 5);
          b.dropout(changed, 0.4f, 77, 9, y);
          return y;
        },
        dx);
  }

  private void convolution(ConvSpec spec) {
    long[] out = {2, spec.outSize(5), spec.outSize(4), spec.outChannels()};
    Tensor x = normal(2, 5, 4, spec.inChannels());
    Tensor w = normal(spec.outChannels(), spec.inChannels(), spec.kernel(), spec.kernel());
    Tensor bias = normal(spec.outChannels());
    Tensor dy = normal(out);
    Tensor dx = scope.f32(x.shape().toArray());
    Tensor dw = scope.f32(w.shape().toArray());
    Tensor db = scope.f32(spec.outChannels());
    try (ConvWeights holder = b.convWeights(spec)) {
      b.loadWeights(holder, w, null);
      b.convBackwardData(holder, dy, dx);
      b.convBackwardWeights(spec, x, dy, dw, db);
      CentralDifferences.Forward forward =
          ignored -> {
            Tensor y = scope.f32(out);
            b.loadWeights(holder, w, null);
            b.convForward(holder, x, bias, null, false, y);
            return y;
          };
      check(x, dy, forward, dx);
      check(w, dy, forward, dw);
      check(bias, dy, forward, db);
    }
  }

  @Test
  void foldedNormsGradientsAreItsDerivatives() {
    ConvSpec spec = new ConvSpec(2, 3, 3, 1, 1, 1);
    Tensor x = normal(1, 4, 5, 2);
    Tensor w = normal(3, 2, 3, 3);
    Tensor gamma = normal(3);
    Tensor beta = normal(3);
    Tensor mean = normal(3);
    Tensor var = uniform(0.1, 2, 3);
    Tensor dy = normal(1, 4, 5, 3);
    Tensor scale = scope.f32(2, 3);
    Tensor bias = scope.f32(3);
    Tensor dw = scope.f32(3, 2, 3, 3);
    Tensor db = scope.f32(3);
    Tensor dgamma = scope.f32(3);
    b.convBackwardWeights(spec, x, dy, dw, db);
    b.foldNormBackward(dw, w, db, gamma, mean, var, EPS, dw, dgamma);
    try (ConvWeights holder = b.convWeights(spec)) {
      CentralDifferences.Forward forward =
          ignored -> {
            Tensor y = scope.f32(1, 4, 5, 3);
            b.foldNorm(gamma, beta, mean, var, EPS, scale, bias);
            b.loadWeights(holder, w, scale);
            b.convForward(holder, x, bias, null, false, y);
            return y;
          };
      check(w, dy, forward, dw);
      check(gamma, dy, forward, dgamma);
      check(beta, dy, forward, db);
    }
  }

  @Test
  void maxPoolingsGradientIsItsDerivative() {
    Tensor x = normal(2, 5, 4, 3);
    Tensor dy = normal(2, 3, 2, 3);
    Tensor index = scope.i32(2, 3, 2, 3);
    b.maxPool(x, scope.f32(2, 3, 2, 3), index);
    Tensor dx = scope.f32(2, 5, 4, 3);
    b.maxPoolBackward(dy, index, dx);
    check(
        x,
        dy,
        at -> {
          Tensor y = scope.f32(2, 3, 2, 3);
          b.maxPool(at, y, null);
          return y;
        },
        dx);
  }

  @Test
  void batchNormsGradientsAreItsDerivatives() {
    Tensor x = normal(2, 3, 2, 3);
    Tensor gamma = normal(3);
    Tensor beta = normal(3);
    Tensor dy = normal(2, 3, 2, 3);
    Tensor mean = scope.f32(3);
    Tensor invStd = scope.f32(3);
    CentralDifferences.Forward forward =
        ignored -> {
          Tensor y = scope.f32(2, 3, 2, 3);
          b.batchNormForward(x, gamma, beta, EPS, null, false, y, mean, invStd);
          return y;
        };
    forward.run(x);
    Tensor dx = scope.f32(2, 3, 2, 3);
    Tensor dgamma = scope.f32(3);
    Tensor dbeta = scope.f32(3);
    b.batchNormBackward(x, dy, gamma, mean, invStd, dx, dgamma, dbeta);
    check(x, dy, forward, dx);
    check(gamma, dy, forward, dgamma);
    check(beta, dy, forward, dbeta);
  }

  @Test
  void l2NormalisationsGradientIsItsDerivative() {
    Tensor x = normal(2, 3, 2, 5);
    Tensor dy = normal(2, 3, 2, 5);
    Tensor norms = scope.f32(2, 3, 2);
    CentralDifferences.Forward forward =
        at -> {
          Tensor y = scope.f32(2, 3, 2, 5);
          b.l2Normalize(at, EPS, y, norms);
          return y;
        };
    forward.run(x);
    Tensor dx = scope.f32(2, 3, 2, 5);
    b.l2NormalizeBackward(x, norms, dy, EPS, dx);
    check(x, dy, forward, dx);
  }

  @TestFactory
  Stream<DynamicTest> bilinearResizingsGradientIsItsDerivative() {
    return Stream.of(true, false)
        .flatMap(
            corners ->
                Stream.of(new int[] {7, 9}, new int[] {2, 3}, new int[] {5, 4}, new int[] {1, 1})
                    .map(
                        t ->
                            DynamicTest.dynamicTest(
                                "5x4 to %dx%d, align_corners %s".formatted(t[0], t[1], corners),
                                () -> resize(t, corners))));
  }

  private void resize(int[] t, boolean corners) {
    Tensor source = normal(2, 5, 4, 2);
    Tensor dTarget = normal(2, t[0], t[1], 5);
    Tensor dSource = scope.f32(2, 5, 4, 2);
    b.resizeBilinearBackward(dTarget, 2, dSource, corners);
    check(
        source,
        dTarget,
        at -> {
          Tensor target = zeros(2, t[0], t[1], 5);
          b.resizeBilinear(at, target, 2, corners);
          return target;
        },
        dSource);
  }

  @Test
  void lossesGradientsAreTheirDerivatives() {
    Tensor score = normal(3, 4);
    Tensor label = tensor(() -> random.nextInt(2), 3, 4);
    Tensor loss = scope.f32(1);
    Tensor dScore = scope.f32(3, 4);
    b.softMarginLoss(score, label, loss, dScore);
    Tensor one = tensor(() -> 1, 1);
    check(
        score,
        one,
        at -> {
          b.softMarginLoss(at, label, loss, null);
          return loss;
        },
        dScore);
    Tensor a = normal(ROWS.rows(), 3, 2);
    Tensor other = normal(ROWS.rows(), 3, 2);
    Tensor dA = scope.f32(ROWS.rows(), 3, 2);
    b.meanAbsoluteDifference(a, other, ROWS, loss, dA);
    check(
        a,
        one,
        at -> {
          b.meanAbsoluteDifference(at, other, ROWS, loss, null);
          return loss;
        },
        dA);
    Tensor x = normal(2, 3, 4, 5);
    Tensor dMean = normal(2, 5);
    Tensor dx = zeros(2, 3, 4, 5);
    b.spatialMeanBackward(dMean, dx);
    check(
        x,
        dMean,
        at -> {
          Tensor mean = scope.f32(2, 5);
          b.spatialMean(at, mean);
          return mean;
        },
        dx);
  }

  @TestFactory
  Stream<DynamicTest> camToMapsGradientIsItsDerivative() {
    return Stream.of(true, false)
        .map(v -> DynamicTest.dynamicTest("some invalid: " + v, () -> camToMaps(v)));
  }

  private void camToMaps(boolean withValid) {
    Tensor cam = normal(3, 3, 4, 6);
    Tensor valid = withValid ? tensor(() -> random.nextInt(4) == 0 ? 0 : 1, 3, 3, 4) : null;
    Tensor dMaps = normal(ROWS.rows(), 3, 4);
    Tensor peak = scope.i32(3, 6);
    Tensor winner = scope.i32(3, 3, 4);
    CentralDifferences.Forward forward =
        at -> {
          Tensor maps = scope.f32(ROWS.rows(), 3, 4);
          b.camToMaps(at, valid, ROWS, EPS, maps, peak, winner);
          return maps;
        };
    forward.run(cam);
    Tensor dCam = scope.f32(3, 3, 4, 6);
    b.camToMapsBackward(cam, valid, ROWS, EPS, peak, winner, dMaps, dCam);
    check(cam, dMaps, forward, dCam);
  }

  @TestFactory
  Stream<DynamicTest> normalisationsGradientsAreTheirDerivatives() {
    return Stream.of(Normalization.values())
        .map(mode -> DynamicTest.dynamicTest(mode.name(), () -> normalize(mode)));
  }

  private void normalize(Normalization mode) {
    Tensor maps = uniform(0.1, 0.9, 3, 4, 5);
    Tensor dOut = normal(3, 4, 5);
    Tensor peak = scope.i32(3, 2);
    CentralDifferences.Forward forward =
        at -> {
          Tensor out = scope.f32(3, 4, 5);
          b.normalizeMaps(at, mode, EPS, out, peak);
          return out;
        };
    forward.run(maps);
    Tensor dMaps = scope.f32(3, 4, 5);
    b.normalizeMapsBackward(maps, mode, EPS, peak, dOut, dMaps);
    check(maps, dOut, forward, dMaps);
  }

  @Test
  void prototypesAndReactivationsGradientsAreTheirDerivatives() {
    Tensor feature = normal(3, 3, 4, 5);
    Tensor seeds = scope.i32(3, 3, 4);
    b.upload(IntStream.range(0, 36).map(i -> random.nextInt(8) - 1).toArray(), seeds);
    Tensor prototypes = scope.f32(ROWS.rows(), 5);
    Tensor featureNorms = scope.f32(3, 3, 4);
    Tensor prototypeNorms = scope.f32(ROWS.rows());
    Tensor dMaps = normal(ROWS.rows(), 3, 4);
    CentralDifferences.Forward reactivate =
        ignored -> {
          Tensor maps = scope.f32(ROWS.rows(), 3, 4);
          b.reactivate(feature, prototypes, ROWS, featureNorms, prototypeNorms, maps);
          return maps;
        };
    CentralDifferences.Forward both =
        ignored -> {
          b.prototypes(feature, seeds, ROWS, prototypes);
          return reactivate.run(feature);
        };
    Tensor maps = both.run(feature);
    Tensor dFeature = zeros(3, 3, 4, 5);
    Tensor dPrototypes = scope.f32(ROWS.rows(), 5);
    b.reactivateBackward(
        feature,
        prototypes,
        ROWS,
        featureNorms,
        prototypeNorms,
        maps,
        dMaps,
        dFeature,
        dPrototypes);
    b.prototypesBackward(dPrototypes, seeds, ROWS, dFeature);
    check(feature, dMaps, both, dFeature);
    Tensor free = normal(ROWS.rows(), 5);
    b.copy(free, prototypes);
    maps = reactivate.run(prototypes);
    b.reactivateBackward(
        feature,
        prototypes,
        ROWS,
        featureNorms,
        prototypeNorms,
        maps,
        dMaps,
        dFeature,
        dPrototypes);
    check(prototypes, dMaps, reactivate, dPrototypes);
  }
}
