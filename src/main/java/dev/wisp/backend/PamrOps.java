package dev.wisp.backend;

import dev.wisp.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Pixel-adaptive mask refinement (Araslanov and Roth, CVPR 2020; method.md section 5). Neighbour
 * order: dilation by dilation, within one NW N NE W E SW S SE; coordinates clamp at the border.
 */
public interface PamrOps {
  /**
   * Affinity of each pixel to its neighbours: softmax over all neighbours together of the logits of
   * {@link PamrOptions.Kernel}; std is the sample deviation (divisor n - 1) per channel over the 9
   * taps of all dilations together, the centre once per dilation. A constant window has logits of
   * exactly 0.
   *
   * @param guide {@code [N, H, W, C]}
   * @param affinity {@code [N, neighbours, H, W]}, output
   * @param std {@code [N, C, H, W]}, output; or null
   * @param logit {@code [N, neighbours, H, W]}, output; or null
   */
  void pamrAffinity(
      Tensor guide,
      PamrOptions options,
      Tensor affinity,
      @Nullable Tensor std,
      @Nullable Tensor logit);

  /**
   * Runs {@code options.iterations()} steps {@code m_k(p) = sum_q affinity(p, q) m_k(q)}.
   *
   * @param affinity {@code [N, neighbours, H, W]}
   * @param maps {@code [rows, H, W]}, unchanged
   * @param out {@code [rows, H, W]}, output
   */
  void pamrSteps(Tensor affinity, Tensor maps, ClassRows classes, PamrOptions options, Tensor out);
}
