package dev.wisp.benchmarks.engine;

import static dev.wisp.benchmarks.Setting.CHANNELS;
import static dev.wisp.benchmarks.Setting.CLASSES;
import static dev.wisp.benchmarks.Setting.GRID;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ClassRows;
import dev.wisp.benchmarks.Setting;
import dev.wisp.benchmarks.Workload;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Structure seeds, never an {@code hw x hw} matrix. */
final class WispStructure implements Workload {
  private static final float EPS = 1e-5f;

  private final Backend backend;
  private final ClassRows classes;
  private final int batch;
  private final Scope inputs;
  private final Tensor features;
  private final Tensor maps;

  WispStructure(Backend backend, Setting setting) {
    this.backend = backend;
    classes = Layouts.classes(setting);
    batch = setting.batch();
    inputs = backend.compute(backend::scope);
    features =
        backend.compute(
            () -> Layouts.channelsLast(backend, inputs, setting.features(), batch, CHANNELS, GRID));
    maps = backend.compute(() -> Layouts.rows(backend, inputs, setting.maps(), classes, GRID));
  }

  @Override
  public void run() {
    backend.run(
        () -> {
          try (Scope scope = backend.scope()) {
            seeds(scope, null);
          }
        });
  }

  @Override
  public Map<String, float[]> values() {
    return backend.compute(
        () -> {
          try (Scope scope = backend.scope()) {
            Tensor iou = scope.f32(classes.rows(), GRID, GRID);
            seeds(scope, iou);
            int[] ids = backend.ints(seeds(scope, null));
            return Map.of(
                "iou", Layouts.planes(backend.floats(iou), classes, GRID), "seeds", oneHot(ids));
          }
        });
  }

  private Tensor seeds(Scope scope, @Nullable Tensor iou) {
    Tensor seeds = scope.i32(batch, GRID, GRID);
    backend.structureSeeds(features, maps, classes, classes, null, EPS, seeds, iou);
    return seeds;
  }

  private static float[] oneHot(int[] ids) {
    int positions = GRID * GRID;
    float[] hot = new float[ids.length * CLASSES];
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] >= 0) {
        hot[(i / positions * CLASSES + ids[i]) * positions + i % positions] = 1;
      }
    }
    return hot;
  }

  @Override
  public void close() {
    backend.run(inputs::close);
  }
}
