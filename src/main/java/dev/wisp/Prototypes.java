package dev.wisp;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ClassRows;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;

/**
 * Image-specific prototypes on arrays (SIPE, CVPR 2022): where the structure of an image puts each
 * class, what the class looks like there, and where else it looks the same. Thread-safe; calls from
 * several threads take turns on the shared engine.
 */
public final class Prototypes {
  private static final float EPS = 1e-5f;

  private Prototypes() {}

  /**
   * Structure seeds: the class whose map overlaps best with the positions that look like this one.
   *
   * @param feature {@code [height][width][depth]} row-major
   * @param maps {@code [classes][height][width]}, each in [0, 1]; map 0 is the background
   * @param classes number of maps with the background, at least 1
   * @return {@code [height][width]} class indices, -1 where no class has a seed
   * @throws IllegalArgumentException if an array's length does not fit the sizes
   */
  public static int[] seeds(
      float[] feature, int height, int width, int depth, float[] maps, int classes) {
    Arrays2d.requireSizes("Prototypes.seeds", height, width, classes);
    Arrays2d.requireLength("Prototypes.seeds", "feature", feature.length, height, width, depth);
    Arrays2d.requireLength("Prototypes.seeds", "maps", maps.length, classes, height, width);
    Backend backend = SharedEngine.backend();
    return backend.compute(
        () -> {
          try (Scope scope = backend.scope()) {
            ClassRows rows = ClassRows.all(1, classes - 1);
            Tensor f = scope.f32(1, height, width, depth);
            Tensor m = scope.f32(classes, height, width);
            Tensor seeds = scope.i32(1, height, width);
            backend.upload(feature, f);
            backend.upload(maps, m);
            backend.structureSeeds(f, m, rows, rows, null, EPS, seeds, null);
            return backend.ints(seeds);
          }
        });
  }

  /**
   * Reactivates each class where the feature resembles the mean feature of its seeds: {@code
   * relu(cos(f_i, p_k))}.
   *
   * @param feature {@code [height][width][depth]} row-major
   * @param seeds {@code [height][width]} class indices below {@code classes}, -1 for none
   * @param classes number of classes with the background, at least 1
   * @return {@code [classes][height][width]} in [0, 1]; 0 for a class without seeds
   * @throws IllegalArgumentException if an array's length does not fit the sizes
   */
  public static float[] reactivate(
      float[] feature, int height, int width, int depth, int[] seeds, int classes) {
    Arrays2d.requireSizes("Prototypes.reactivate", height, width, classes);
    Arrays2d.requireLength(
        "Prototypes.reactivate", "feature", feature.length, height, width, depth);
    Arrays2d.requireLength("Prototypes.reactivate", "seeds", seeds.length, height, width, 1);
    Backend backend = SharedEngine.backend();
    return backend.compute(
        () -> {
          try (Scope scope = backend.scope()) {
            ClassRows rows = ClassRows.all(1, classes - 1);
            Tensor f = scope.f32(1, height, width, depth);
            Tensor s = scope.i32(1, height, width);
            Tensor prototypes = scope.f32(classes, depth);
            Tensor maps = scope.f32(classes, height, width);
            backend.upload(feature, f);
            backend.upload(seeds, s);
            backend.prototypes(f, s, rows, prototypes);
            backend.reactivate(
                f, prototypes, rows, scope.f32(1, height, width), scope.f32(classes), maps);
            return backend.floats(maps);
          }
        });
  }
}
