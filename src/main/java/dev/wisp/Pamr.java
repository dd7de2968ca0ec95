package dev.wisp;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ClassRows;
import dev.wisp.backend.PamrOptions;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;

/**
 * Pixel-adaptive mask refinement on arrays: maps follow the colours of a guide image (Araslanov and
 * Roth, CVPR 2020). Thread-safe; calls from several threads take turns on the shared engine.
 *
 * <pre>{@code
 * float[] refined = Pamr.refine(rgb, height, width, maps, classes, PamrOptions.standard());
 * }</pre>
 */
public final class Pamr {
  private Pamr() {}

  /**
   * Refines maps on one guide image.
   *
   * @param guide {@code [height][width][3]} row-major, colours in [0, 1]
   * @param maps {@code [count][height][width]} row-major, any finite values; not changed
   * @param count number of maps, at least 1
   * @param options dilations, steps and kernel; {@link PamrOptions#standard()} is the paper's
   * @return {@code [count][height][width]}, a new array
   * @throws IllegalArgumentException if an array's length does not fit the sizes
   */
  public static float[] refine(
      float[] guide, int height, int width, float[] maps, int count, PamrOptions options) {
    Arrays2d.requireSizes("Pamr.refine", height, width, count);
    Arrays2d.requireLength("Pamr.refine", "guide", guide.length, height, width, 3);
    Arrays2d.requireLength("Pamr.refine", "maps", maps.length, count, height, width);
    Backend backend = SharedEngine.backend();
    return backend.compute(
        () -> {
          try (Scope scope = backend.scope()) {
            ClassRows rows = ClassRows.all(1, count - 1);
            Tensor image = scope.f32(1, height, width, 3);
            Tensor input = scope.f32(count, height, width);
            Tensor output = scope.f32(count, height, width);
            Tensor affinity = scope.f32(1, options.neighbours(), height, width);
            backend.upload(guide, image);
            backend.upload(maps, input);
            backend.pamrAffinity(image, options, affinity, null, null);
            backend.pamrSteps(affinity, input, rows, options, output);
            return backend.floats(output);
          }
        });
  }
}
