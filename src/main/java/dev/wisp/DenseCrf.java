package dev.wisp;

import dev.wisp.backend.Backend;
import dev.wisp.backend.CrfOptions;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;

/**
 * Dense conditional random field on arrays, with the semantics of pydensecrf (Krähenbühl and
 * Koltun, NeurIPS 2011). Thread-safe; calls from several threads take turns on the shared engine.
 *
 * <pre>{@code
 * float[] q = DenseCrf.infer(unary, labels, rgb, height, width, CrfOptions.standard());
 * }</pre>
 */
public final class DenseCrf {
  private DenseCrf() {}

  /**
   * Mean-field probabilities.
   *
   * @param unary {@code [labels][height][width]} row-major, negative log probabilities; not changed
   * @param labels number of labels, at least 1
   * @param rgb {@code [height][width][3]} row-major, colours in 0..255
   * @param options steps, deviations and weights; {@link CrfOptions#standard()} is the paper's
   * @return {@code [labels][height][width]}, a new array
   * @throws IllegalArgumentException if an array's length does not fit the sizes
   */
  public static float[] infer(
      float[] unary, int labels, float[] rgb, int height, int width, CrfOptions options) {
    Arrays2d.requireSizes("DenseCrf.infer", height, width, labels);
    Arrays2d.requireLength("DenseCrf.infer", "unary", unary.length, labels, height, width);
    Arrays2d.requireLength("DenseCrf.infer", "rgb", rgb.length, height, width, 3);
    Backend backend = SharedEngine.backend();
    return backend.compute(
        () -> {
          try (Scope scope = backend.scope()) {
            Tensor energies = scope.f32(labels, height, width);
            Tensor image = scope.f32(height, width, 3);
            Tensor q = scope.f32(labels, height, width);
            backend.upload(unary, energies);
            backend.upload(rgb, image);
            backend.denseCrf(energies, image, options, q);
            return backend.floats(q);
          }
        });
  }
}
