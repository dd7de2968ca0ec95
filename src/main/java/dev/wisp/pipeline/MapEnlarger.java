package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.io.FloatSource;
import dev.wisp.method.Localization;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Localisation maps at the image's own size, one class at a time: bilinear, half-pixel centres. A
 * large photograph's maps would not fit in memory together: an enlarged map lies in the backend's
 * memory, one class at a time, and is read in pieces.
 */
final class MapEnlarger {
  private final Backend backend;
  private final Localization maps;
  private final int height;
  private final int width;
  private final int pixels;

  MapEnlarger(Backend backend, Localization maps, int height, int width) {
    this.backend = backend;
    this.maps = maps;
    this.height = height;
    this.width = width;
    this.pixels = Math.multiplyExact(height, width);
  }

  /** Takes consecutive values of a map. */
  private interface Piece {
    void take(int at, float[] values, int count);
  }

  /** An enlarged map in the backend's memory. */
  private final class Enlarged implements FloatSource {
    private final Scope scope;
    private final Tensor values;

    Enlarged(float[] small) {
      scope = backend.scope();
      Tensor from = scope.f32(1, maps.height(), maps.width(), 1);
      values = scope.f32(1, height, width, 1);
      backend.upload(small, from);
      backend.resizeBilinear(from, values, 0, false);
      from.release();
    }

    @Override
    public void read(long at, float[] into, int count) {
      backend.run(() -> backend.download(values, at, into, count));
    }

    @Override
    public void close() {
      backend.run(scope::close);
    }
  }

  /** Values of the i-th class, {@code [height, width]}. */
  FloatSource map(int index) {
    int size = maps.height() * maps.width();
    if (maps.height() == height && maps.width() == width) {
      return (at, into, count) ->
          System.arraycopy(maps.maps(), index * size + Math.toIntExact(at), into, 0, count);
    }
    float[] small = Arrays.copyOfRange(maps.maps(), index * size, (index + 1) * size);
    return backend.compute(() -> new Enlarged(small));
  }

  private void read(int index, Piece piece) {
    float[] values = new float[Math.min(pixels, FloatSource.PIECE)];
    try (FloatSource map = map(index)) {
      for (int at = 0; at < pixels; at += values.length) {
        int count = Math.min(values.length, pixels - at);
        map.read(at, values, count);
        piece.take(at, values, count);
      }
    }
  }

  /** All maps, {@code [classes, height, width]}. */
  float[] all() {
    float[] all = new float[Math.multiplyExact(pixels, maps.classes().length)];
    for (int k = 0; k < maps.classes().length; k++) {
      int start = k * pixels;
      read(k, (at, values, count) -> System.arraycopy(values, 0, all, start + at, count));
    }
    return all;
  }

  /** The class of the largest map per pixel, the first among equals, as mask bytes. */
  byte[] labels(float backgroundFactor) {
    return labels(List.of(backgroundFactor)).getFirst();
  }

  /** The same for several background factors: foreground classes compete once for all. */
  List<byte[]> labels(List<Float> backgroundFactors) {
    byte[] winner = new byte[pixels];
    List<byte[]> labels = new ArrayList<>();
    backgroundFactors.forEach(factor -> labels.add(new byte[pixels]));
    float[] best = new float[Math.min(pixels, FloatSource.PIECE)];
    backend.run(
        () -> {
          try (Scope scope = backend.scope()) {
            Tensor largest = scope.f32(pixels);
            backend.fill(largest, Float.NEGATIVE_INFINITY);
            for (int k = 1; k < maps.classes().length; k++) {
              byte id = (byte) maps.classes()[k];
              read(
                  k,
                  (at, values, count) -> {
                    backend.download(largest, at, best, count);
                    for (int i = 0; i < count; i++) {
                      if (values[i] > best[i]) {
                        best[i] = values[i];
                        winner[at + i] = id;
                      }
                    }
                    backend.upload(best, count, largest, at);
                  });
            }
            read(
                0,
                (at, background, count) -> {
                  backend.download(largest, at, best, count);
                  for (int f = 0; f < labels.size(); f++) {
                    float factor = backgroundFactors.get(f);
                    byte[] label = labels.get(f);
                    for (int i = 0; i < count; i++) {
                      label[at + i] = best[i] > background[i] * factor ? winner[at + i] : 0;
                    }
                  }
                });
          }
        });
    return labels;
  }
}
