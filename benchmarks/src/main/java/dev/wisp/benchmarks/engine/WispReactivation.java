package dev.wisp.benchmarks.engine;

import static dev.wisp.benchmarks.Setting.CHANNELS;
import static dev.wisp.benchmarks.Setting.GRID;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ClassRows;
import dev.wisp.benchmarks.Setting;
import dev.wisp.benchmarks.Workload;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.util.Map;

/** Prototypes from seeds, then their cosine to every position. */
final class WispReactivation implements Workload {
  private final Backend backend;
  private final ClassRows classes;
  private final int batch;
  private final Scope inputs;
  private final Tensor features;
  private final Tensor seeds;

  WispReactivation(Backend backend, Setting setting) {
    this.backend = backend;
    classes = Layouts.classes(setting);
    batch = setting.batch();
    inputs = backend.compute(backend::scope);
    features =
        backend.compute(
            () -> Layouts.channelsLast(backend, inputs, setting.features(), batch, CHANNELS, GRID));
    seeds = backend.compute(() -> inputs.i32(batch, GRID, GRID));
    backend.run(() -> backend.upload(setting.seeds(), seeds));
  }

  @Override
  public void run() {
    backend.run(
        () -> {
          try (Scope scope = backend.scope()) {
            maps(scope);
          }
        });
  }

  @Override
  public Map<String, float[]> values() {
    return backend.compute(
        () -> {
          try (Scope scope = backend.scope()) {
            float[] rows = backend.floats(maps(scope));
            return Map.of("maps", Layouts.planes(rows, classes, GRID));
          }
        });
  }

  private Tensor maps(Scope scope) {
    int rows = classes.rows();
    Tensor prototypes = scope.f32(rows, CHANNELS);
    backend.prototypes(features, seeds, classes, prototypes);
    Tensor maps = scope.f32(rows, GRID, GRID);
    backend.reactivate(
        features, prototypes, classes, scope.f32(batch, GRID, GRID), scope.f32(rows), maps);
    return maps;
  }

  @Override
  public void close() {
    backend.run(inputs::close);
  }
}
