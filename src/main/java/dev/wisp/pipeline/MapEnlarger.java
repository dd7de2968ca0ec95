package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.method.Localization;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.util.Arrays;

/**
 * Localisation maps at the image's own size, one class at a time: bilinear, half-pixel centres. A
 * large photograph's maps would not fit in memory together.
 */
final class MapEnlarger {
  private final Backend backend;
  private final Localization maps;
  private final int height;
  private final int width;

  MapEnlarger(Backend backend, Localization maps, int height, int width) {
    this.backend = backend;
    this.maps = maps;
    this.height = height;
    this.width = width;
  }

  /** Values of the i-th class, {@code [height, width]}. */
  float[] map(int index) {
    int pixels = maps.height() * maps.width();
    float[] small = Arrays.copyOfRange(maps.maps(), index * pixels, (index + 1) * pixels);
    if (maps.height() == height && maps.width() == width) {
      return small;
    }
    return backend.compute(
        () -> {
          try (Scope scope = backend.scope()) {
            Tensor from = scope.f32(1, maps.height(), maps.width(), 1);
            Tensor to = scope.f32(1, height, width, 1);
            backend.upload(small, from);
            backend.resizeBilinear(from, to, 0, false);
            return backend.floats(to);
          }
        });
  }

  /** The class of the largest map per pixel, the first among equals, as mask bytes. */
  byte[] labels(float backgroundFactor) {
    float[] best = map(0);
    for (int p = 0; p < best.length; p++) {
      best[p] *= backgroundFactor;
    }
    byte[] label = new byte[best.length];
    for (int k = 1; k < maps.classes().length; k++) {
      float[] values = map(k);
      for (int p = 0; p < best.length; p++) {
        if (values[p] > best[p]) {
          best[p] = values[p];
          label[p] = (byte) maps.classes()[k];
        }
      }
    }
    return label;
  }
}
