package dev.wisp.backend.reference;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@link dev.wisp.backend.OptimizerOps} on arrays; formulas as documented there. */
public final class OptimizerReference {
  private final Rounding r;

  public OptimizerReference(Rounding rounding) {
    this.r = rounding;
  }

  public double gradientNorm(List<double[]> gradients) {
    double sum = 0;
    for (double[] gradient : gradients) {
      for (double g : gradient) {
        sum += g * g;
      }
    }
    return r.of(Math.sqrt(sum));
  }

  /** Whether a float32 norm is a number: the judge's own may be beyond that range. */
  private static boolean isFinite(double norm) {
    return Float.isFinite((float) norm);
  }

  /**
   * One parameter's update in place; velocity may be null when momentum is 0.
   *
   * @param lossScale NaN for none
   */
  public void sgdStep(
      double[] weight,
      double[] gradient,
      double @Nullable [] velocity,
      double learningRate,
      double norm,
      double lossScale,
      double maxNorm,
      double weightDecay,
      double momentum,
      boolean first) {
    boolean scaled = !Double.isNaN(lossScale);
    if (scaled && !isFinite(norm)) {
      if (velocity != null && first) {
        Arrays.fill(velocity, 0);
      }
      return;
    }
    double length = scaled ? r.of(norm / lossScale) : norm;
    double clip = Math.min(1, r.of(maxNorm / r.of(length + 1e-6)));
    if (scaled) {
      clip = r.of(clip / lossScale);
    }
    for (int i = 0; i < weight.length; i++) {
      double v = r.of(r.of(clip * gradient[i]) + r.of(weightDecay * weight[i]));
      if (velocity != null) {
        if (!first) {
          v = r.of(r.of(momentum * velocity[i]) + v);
        }
        velocity[i] = v;
      }
      weight[i] = r.of(weight[i] - r.of(learningRate * v));
    }
  }

  /** lossScale is {@code [scale, good steps]}, updated. */
  public void updateLossScale(double norm, double[] lossScale, int interval) {
    double good = isFinite(norm) ? lossScale[1] + 1 : 0;
    if (!isFinite(norm)) {
      lossScale[0] = Math.max(lossScale[0] / 2, 1);
    } else if (good >= interval) {
      lossScale[0] = Math.min(lossScale[0] * 2, 1 << 24);
      good = 0;
    }
    lossScale[1] = good;
  }
}
