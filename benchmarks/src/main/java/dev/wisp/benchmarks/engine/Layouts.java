package dev.wisp.benchmarks.engine;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ClassRows;
import dev.wisp.benchmarks.Setting;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.util.Arrays;

/** Between the workloads' {@code [N, C, H, W]} arrays and the engine's tensors. */
final class Layouts {
  private Layouts() {}

  static ClassRows classes(Setting setting) {
    int[][] present = new int[setting.batch()][];
    Arrays.setAll(present, setting::present);
    return ClassRows.present(present, Setting.CLASSES - 1);
  }

  /** {@code [N, C, H, W]} values as a tensor {@code [N, H, W, C]}. */
  static Tensor channelsLast(
      Backend backend, Scope scope, float[] values, int batch, int channels, int size) {
    float[] target = new float[values.length];
    int positions = size * size;
    for (int n = 0; n < batch; n++) {
      for (int c = 0; c < channels; c++) {
        int plane = (n * channels + c) * positions;
        for (int p = 0; p < positions; p++) {
          target[(n * positions + p) * channels + c] = values[plane + p];
        }
      }
    }
    Tensor tensor = scope.f32(batch, size, size, channels);
    backend.upload(target, tensor);
    return tensor;
  }

  /** The present classes' planes of {@code [N, classes, h, w]} as a tensor {@code [rows, h, w]}. */
  static Tensor rows(Backend backend, Scope scope, float[] planes, ClassRows classes, int size) {
    int positions = size * size;
    float[] target = new float[classes.rows() * positions];
    for (int n = 0; n < classes.images(); n++) {
      for (int row = classes.begin(n); row < classes.end(n); row++) {
        System.arraycopy(
            planes,
            (n * classes.total() + classes.id(row)) * positions,
            target,
            row * positions,
            positions);
      }
    }
    Tensor tensor = scope.f32(classes.rows(), size, size);
    backend.upload(target, tensor);
    return tensor;
  }

  /** Rows spread to {@code [N, classes, h, w]}, zeros for absent classes. */
  static float[] planes(float[] rows, ClassRows classes, int size) {
    int positions = size * size;
    float[] planes = new float[classes.images() * classes.total() * positions];
    for (int n = 0; n < classes.images(); n++) {
      for (int row = classes.begin(n); row < classes.end(n); row++) {
        System.arraycopy(
            rows,
            row * positions,
            planes,
            (n * classes.total() + classes.id(row)) * positions,
            positions);
      }
    }
    return planes;
  }
}
