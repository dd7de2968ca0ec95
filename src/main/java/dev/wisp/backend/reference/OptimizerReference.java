package dev.wisp.backend.reference;

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

  /** One parameter's update in place; velocity may be null when momentum is 0. */
  public void sgdStep(
      double[] weight,
      double[] gradient,
      double @Nullable [] velocity,
      double learningRate,
      double norm,
      double maxNorm,
      double weightDecay,
      double momentum,
      boolean first) {
    double clip = Math.min(1, r.of(maxNorm / r.of(norm + 1e-6)));
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
}
