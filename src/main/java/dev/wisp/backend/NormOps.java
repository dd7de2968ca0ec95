package dev.wisp.backend;

import dev.wisp.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Normalisations with live statistics, over {@code [N, H, W, C]}. */
public interface NormOps {
  /**
   * Batch norm with the batch's own statistics (for pretraining): {@code y = act(gamma * (x - mean)
   * * invStd + beta + residual)}, {@code invStd = 1 / sqrt(var + eps)}, var with divisor n.
   *
   * @param residual shape of x, or null
   * @param mean {@code [C]}, output: mean over N, H, W
   * @param invStd {@code [C]}, output
   */
  void batchNormForward(
      Tensor x,
      Tensor gamma,
      Tensor beta,
      float eps,
      @Nullable Tensor residual,
      boolean relu,
      Tensor y,
      Tensor mean,
      Tensor invStd);

  /**
   * Gradient of {@link #batchNormForward} without its activation and residual (apply {@link
   * PointwiseOps#reluBackward} first): {@code dx = gamma * invStd * (dy - mean(dy) - xhat * mean(dy
   * * xhat))}.
   *
   * @param dgamma {@code [C]}, output
   * @param dbeta {@code [C]}, output
   */
  void batchNormBackward(
      Tensor x,
      Tensor dy,
      Tensor gamma,
      Tensor mean,
      Tensor invStd,
      Tensor dx,
      Tensor dgamma,
      Tensor dbeta);

  /**
   * Running statistics after a batch of {@code count} positions: {@code runningMean += momentum *
   * (mean - runningMean)}, {@code runningVar += momentum * (var * count / (count - 1) -
   * runningVar)}, var recovered as {@code 1 / invStd^2 - eps}. All {@code [C]}.
   */
  void batchNormUpdate(
      Tensor mean,
      Tensor invStd,
      float eps,
      long count,
      float momentum,
      Tensor runningMean,
      Tensor runningVar);

  /**
   * Divides each position's channel vector by (its L2 norm + eps). {@code y} may be {@code x}.
   *
   * @param x {@code [N, H, W, C]}
   * @param norms {@code [N, H, W]}, output: the L2 norms, without eps
   */
  void l2Normalize(Tensor x, float eps, Tensor y, Tensor norms);

  /**
   * Gradient of {@link #l2Normalize}: {@code dx = dy / (n + eps) - x (x . dy) / (n (n + eps)^2)};
   * where n is 0, {@code dx = dy / eps}.
   */
  void l2NormalizeBackward(Tensor x, Tensor norms, Tensor dy, float eps, Tensor dx);
}
