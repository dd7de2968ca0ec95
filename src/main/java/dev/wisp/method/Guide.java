package dev.wisp.method;

import dev.wisp.backend.Backend;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;

/** The reduced image that PAMR follows (method.md section 5). */
final class Guide {
  /** Channel means and deviations of ImageNet, by which images are normalised. */
  private static final float[] MEAN = {0.485f, 0.456f, 0.406f};

  private static final float[] STD = {0.229f, 0.224f, 0.225f};

  private Guide() {}

  /**
   * The guide of normalised images: values in 0..1, sizes divided by the stride and rounded down,
   * at least 1.
   *
   * @param images {@code [N, H, W, 3]}
   */
  static Tensor of(Backend backend, Scope scope, Tensor images, int stride) {
    Shape s = images.shape();
    Tensor raw = scope.allocate(images.type(), s);
    backend.denormalize(images, MEAN, STD, raw);
    Tensor guide =
        scope.f32(
            s.size(0), Math.max(1, s.size(1) / stride), Math.max(1, s.size(2) / stride), s.size(3));
    backend.resizeBilinear(raw, guide, 0, true);
    raw.release();
    return guide;
  }
}
