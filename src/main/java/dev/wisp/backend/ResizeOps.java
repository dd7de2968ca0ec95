package dev.wisp.backend;

import dev.wisp.tensor.Tensor;

/**
 * Bilinear resizing. {@code alignCorners} true: source coordinate {@code o * (in - 1) / (out - 1)}
 * (0 when out is 1); false: {@code max(0, (o + 0.5) * in / out - 0.5)}, edges clamped. Weights in
 * float32. Interpolation is {@code a + t (b - a)} or an equal form that reproduces constant areas
 * exactly. Equal sizes are a copy.
 */
public interface ResizeOps {
  /**
   * Resizes {@code [N, h, w, c]} into channels {@code [offset, offset + c)} of {@code [N, H, W,
   * C]}; other channels stay as they are. Planar maps {@code [rows, h, w]} go as {@code [rows, h,
   * w, 1]}.
   */
  void resizeBilinear(Tensor source, Tensor target, int channelOffset, boolean alignCorners);

  /**
   * Gradient of {@link #resizeBilinear} for its source, from the same channels of the target's
   * gradient; overwrites {@code dSource}.
   */
  void resizeBilinearBackward(
      Tensor dTarget, int channelOffset, Tensor dSource, boolean alignCorners);
}
