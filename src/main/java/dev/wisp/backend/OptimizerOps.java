package dev.wisp.backend;

import dev.wisp.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Stochastic gradient descent over all parameters in one call. */
public interface OptimizerOps {
  /**
   * One parameter of an update.
   *
   * @param weight updated in place
   * @param gradient same shape
   * @param momentum the velocity, same shape, updated in place; or null when momentum is 0
   * @param learningRate this parameter's rate
   */
  record SgdSlot(Tensor weight, Tensor gradient, @Nullable Tensor momentum, float learningRate) {}

  /**
   * L2 norm of all gradients together, accumulated in double in a fixed order.
   *
   * @param norm {@code [1]}, output
   */
  void gradientNorm(List<Tensor> gradients, Tensor norm);

  /**
   * SGD as torch does it: {@code g = c * gradient + weightDecay * w}; {@code v = momentum * v + g}
   * ({@code v = g} when {@code first}); {@code w -= learningRate * v}; with {@code c = min(1,
   * maxNorm / (norm + 1e-6))}, read on the device.
   *
   * <p>With a loss scale s the gradients and their norm are s times too large: {@code c = min(1,
   * maxNorm / (norm / s + 1e-6)) / s}. If the norm is not finite then, an overflow, no weight and
   * no velocity changes, but that velocities become 0 when {@code first}: the step after is then
   * the same as a first one. Without a loss scale such a norm makes the weights NaN.
   *
   * @param norm {@code [1]}, from {@link #gradientNorm}
   * @param lossScale {@code [2]}, see {@link #updateLossScale}, or null if the loss was not scaled
   * @param maxNorm clipping threshold; infinity switches clipping off
   * @param first whether this is the first step: velocities are set, not updated
   */
  void sgdStep(
      List<SgdSlot> slots,
      Tensor norm,
      @Nullable Tensor lossScale,
      float maxNorm,
      float weightDecay,
      float momentum,
      boolean first);

  /** Most steps between changes of a loss scale: a float counts them. */
  int MOST_INTERVAL = 1 << 24;

  /**
   * Dynamic loss scaling after a step (Micikevicius et al., Mixed Precision Training, 2018, section
   * 3.2), decided on the device. A finite norm is a good step; with {@code interval} of them since
   * its last change the scale doubles, to at most 2^24. A norm that is not finite halves it, to at
   * least 1. Powers of two stay powers of two: scaling by them costs no bit unless a gradient
   * overflows or underflows.
   *
   * @param norm {@code [1]}, from {@link #gradientNorm}
   * @param lossScale {@code [2]}, updated: the scale, and the good steps since its last change
   * @param interval 1 to {@value #MOST_INTERVAL}
   */
  void updateLossScale(Tensor norm, Tensor lossScale, int interval);
}
