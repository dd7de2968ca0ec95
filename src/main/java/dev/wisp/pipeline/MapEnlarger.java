package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.method.Localization;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

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
    return labels(List.of(backgroundFactor)).getFirst();
  }

  /** The same for several background factors: foreground classes compete once for all. */
  List<byte[]> labels(List<Float> backgroundFactors) {
    float[] background = map(0);
    float[] best = new float[background.length];
    Arrays.fill(best, Float.NEGATIVE_INFINITY);
    byte[] winner = new byte[best.length];
    for (int k = 1; k < maps.classes().length; k++) {
      float[] values = map(k);
      for (int p = 0; p < best.length; p++) {
        if (values[p] > best[p]) {
          best[p] = values[p];
          winner[p] = (byte) maps.classes()[k];
        }
      }
    }
    List<byte[]> labels = new ArrayList<>();
    for (float factor : backgroundFactors) {
      byte[] label = new byte[best.length];
      for (int p = 0; p < label.length; p++) {
        label[p] = best[p] > background[p] * factor ? winner[p] : 0;
      }
      labels.add(label);
    }
    return labels;
  }
}
