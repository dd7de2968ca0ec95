package dev.wisp.backend.reference;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wisp.backend.PathIndex;
import dev.wisp.common.CounterRandom;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;
import java.util.Arrays;
import java.util.function.DoubleSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Group norm's and IRN's gradients in the reference against central differences, in float64. */
class IrnGradientTest {
  private static final float EPS = 1e-5f;
  private static final PathIndex PATHS = PathIndex.of(4);
  private static final int CLASSES = 2;

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

  private Tensor tensor(DoubleSupplier source, long... sizes) {
    Tensor tensor = scope.f32(sizes);
    double[] values = new double[Math.toIntExact(Shape.of(sizes).elements())];
    Arrays.setAll(values, i -> source.getAsDouble());
    b.upload(values, tensor);
    return tensor;
  }

  private Tensor normal(long... sizes) {
    return tensor(random::nextGaussian, sizes);
  }

  private Tensor labels(int... sizes) {
    int[] values = new int[sizes[0] * sizes[1] * sizes[2]];
    Arrays.setAll(values, i -> new int[] {0, 0, 1, 2, 255}[random.nextInt(5)]);
    Tensor tensor = scope.i32(sizes[0], sizes[1], sizes[2]);
    b.upload(values, tensor);
    return tensor;
  }

  /** The weights of the sums, once an image. */
  private Tensor each(int images, float... weights) {
    int[] at = {0};
    return tensor(() -> weights[at[0]++ % weights.length], images, weights.length);
  }

  @Test
  void groupNormsGradientsAreItsDerivatives() {
    Tensor x = normal(2, 3, 2, 6);
    Tensor gamma = normal(6);
    Tensor beta = normal(6);
    Tensor dy = normal(2, 3, 2, 6);
    Tensor mean = scope.f32(2, 3);
    Tensor invStd = scope.f32(2, 3);
    CentralDifferences.Forward forward =
        ignored -> {
          Tensor y = scope.f32(2, 3, 2, 6);
          b.groupNormForward(x, gamma, beta, EPS, false, y, mean, invStd);
          return y;
        };
    forward.run(x);
    Tensor dx = scope.f32(2, 3, 2, 6);
    Tensor dgamma = scope.f32(6);
    Tensor dbeta = scope.f32(6);
    b.groupNormBackward(x, dy, gamma, mean, invStd, dx, dgamma, dbeta);
    CentralDifferences.check(b, x, dy, forward, dx);
    CentralDifferences.check(b, gamma, dy, forward, dgamma);
    CentralDifferences.check(b, beta, dy, forward, dbeta);
  }

  @Test
  void cropsGradientIsItsDerivative() {
    Tensor source = normal(2, 4, 5, 3);
    Tensor dTarget = normal(2, 3, 5, 4);
    Tensor dSource = scope.f32(2, 4, 5, 3);
    b.cropBackward(dTarget, 1, dSource);
    CentralDifferences.check(
        b,
        source,
        dTarget,
        x -> {
          Tensor target = tensor(() -> 0, 2, 3, 5, 4);
          b.crop(x, target, 1);
          return target;
        },
        dSource);
  }

  @Test
  void theSigmoidsGradientIsItsDerivative() {
    Tensor x = normal(2, 7);
    Tensor dy = normal(2, 7);
    Tensor y = scope.f32(2, 7);
    Tensor dx = scope.f32(2, 7);
    b.sigmoid(x, 0.5f, y);
    b.sigmoidBackward(y, dy, 0.5f, dx);
    CentralDifferences.check(
        b,
        x,
        dy,
        ignored -> {
          Tensor out = scope.f32(2, 7);
          b.sigmoid(x, 0.5f, out);
          return out;
        },
        dx);
  }

  @Test
  void pathAffinitysGradientIsItsDerivative() {
    Tensor boundary = tensor(() -> random.uniform(0.1, 0.9), 2, 7, 10);
    Tensor label = labels(2, 7, 10);
    float[] weights = {0.25f, 0.5f, 0.125f};
    Tensor gradient = scope.f32(2, 7, 10);
    b.pathAffinityLoss(boundary, label, PATHS, CLASSES, weights, scope.f32(2, 3), gradient);
    assertThat(Arrays.stream(b.doubles(gradient)).filter(v -> v != 0).count()).isPositive();
    CentralDifferences.check(
        b,
        boundary,
        each(2, weights),
        x -> {
          Tensor losses = scope.f32(2, 3);
          b.pathAffinityLoss(x, label, PATHS, CLASSES, weights, losses, null);
          return losses;
        },
        gradient);
  }

  @Test
  void displacementsGradientIsItsDerivative() {
    Tensor displacement = normal(2, 7, 10, 2);
    Tensor label = labels(2, 7, 10);
    float[] weights = {0.25f, 0.5f};
    Tensor gradient = scope.f32(2, 7, 10, 2);
    b.displacementLoss(displacement, label, PATHS, CLASSES, weights, scope.f32(2, 2), gradient);
    assertThat(Arrays.stream(b.doubles(gradient)).filter(v -> v != 0).count()).isPositive();
    CentralDifferences.check(
        b,
        displacement,
        each(2, weights),
        x -> {
          Tensor losses = scope.f32(2, 2);
          b.displacementLoss(x, label, PATHS, CLASSES, weights, losses, null);
          return losses;
        },
        gradient);
  }

  /** Four equal values on the only row: the destination takes the gradient of each pair. */
  @Test
  void ofEqualBoundariesTheOneNearestTheDestinationGetsTheGradient() {
    PathIndex paths = PathIndex.of(2);
    Tensor boundary = tensor(() -> 0.5, 1, 2, 3);
    Tensor label = scope.i32(1, 2, 3);
    b.upload(new int[6], label);
    Tensor gradient = scope.f32(1, 2, 3);
    b.pathAffinityLoss(
        boundary, label, paths, CLASSES, new float[] {1, 1, 1}, scope.f32(1, 3), gradient);
    double slope = 1 / (0.5 + 1e-5);
    // The only source is (0, 1); its destinations are (0, 2), (1, 1), (1, 0) and (1, 2).
    assertThat(b.doubles(gradient)).containsExactly(0, 0, slope, slope, slope, slope);
  }
}
