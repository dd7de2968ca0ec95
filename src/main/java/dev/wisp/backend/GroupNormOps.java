package dev.wisp.backend;

import dev.wisp.tensor.Tensor;

/**
 * Group normalisation (Wu and He, ECCV 2018) over {@code [N, H, W, C]}: group g of G holds the
 * channels from {@code g C / G} on, and each image has its own statistics.
 */
public interface GroupNormOps {
  /**
   * {@code y = act(gamma * (x - mean) * invStd + beta)} with the mean of each image's group over
   * its positions and channels, {@code invStd = 1 / sqrt(var + eps)}, var with divisor n.
   *
   * @param gamma {@code [C]}
   * @param beta {@code [C]}
   * @param relu whether {@code act} is max(0, .), else the identity
   * @param mean {@code [N, G]}, output; its size says how many groups there are, which must divide
   *     C
   * @param invStd {@code [N, G]}, output
   */
  void groupNormForward(
      Tensor x,
      Tensor gamma,
      Tensor beta,
      float eps,
      boolean relu,
      Tensor y,
      Tensor mean,
      Tensor invStd);

  /**
   * Gradient of {@link #groupNormForward} without its activation (apply {@link
   * PointwiseOps#reluBackward} first): with {@code d = gamma * dy} and means over the image's
   * group, {@code dx = invStd * (d - mean(d) - xhat * mean(d * xhat))}.
   *
   * @param mean {@code [N, G]}
   * @param invStd {@code [N, G]}
   * @param dgamma {@code [C]}, output
   * @param dbeta {@code [C]}, output
   */
  void groupNormBackward(
      Tensor x,
      Tensor dy,
      Tensor gamma,
      Tensor mean,
      Tensor invStd,
      Tensor dx,
      Tensor dgamma,
      Tensor dbeta);
}
