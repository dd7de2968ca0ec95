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
   * @param norm {@code [1]}, from {@link #gradientNorm}
   * @param maxNorm clipping threshold; infinity switches clipping off
   * @param first whether this is the first step: velocities are set, not updated
   */
  void sgdStep(
      List<SgdSlot> slots,
      Tensor norm,
      float maxNorm,
      float weightDecay,
      float momentum,
      boolean first);
}
