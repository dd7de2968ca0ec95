package dev.wisp.backend.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.wisp.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.IntStream;

/** Gradients of an operation against central differences of it, in float64. */
final class CentralDifferences {
  private static final double STEP = 1e-6;
  private static final double TOLERANCE = 1e-7;

  private CentralDifferences() {}

  /** Runs the operation on the changed tensor, returns its output. */
  interface Forward {
    Tensor run(Tensor x);
  }

  /**
   * Compares d(forward(x) . dOut) / dx with the given gradient.
   *
   * @param forward runs the operation on the changed x, returns its output
   */
  static void check(ReferenceBackend b, Tensor x, Tensor dOut, Forward forward, Tensor gradient) {
    double[] at = b.doubles(x);
    double[] weights = b.doubles(dOut);
    double[] actual = b.doubles(gradient);
    double[] expected = new double[at.length];
    for (int i = 0; i < at.length; i++) {
      double keep = at[i];
      at[i] = keep + STEP;
      double up = product(b, x, at, weights, forward);
      at[i] = keep - STEP;
      double down = product(b, x, at, weights, forward);
      at[i] = keep;
      expected[i] = (up - down) / (2 * STEP);
    }
    b.upload(at, x);
    double scale = Math.max(1, Arrays.stream(expected).map(Math::abs).max().orElse(0));
    for (int i = 0; i < at.length; i++) {
      assertThat(actual[i])
          .as("element %d of %s", i, x)
          .isCloseTo(expected[i], within(TOLERANCE * scale));
    }
  }

  private static double product(
      ReferenceBackend b, Tensor x, double[] at, double[] weights, Forward forward) {
    b.upload(at, x);
    double[] out = b.doubles(forward.run(x));
    return IntStream.range(0, out.length).mapToDouble(i -> out[i] * weights[i]).sum();
  }
}
