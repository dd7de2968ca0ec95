package dev.wisp.benchmarks.engine;

import static dev.wisp.benchmarks.Setting.GRID;
import static dev.wisp.benchmarks.Setting.GUIDE;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ClassRows;
import dev.wisp.backend.PamrOptions;
import dev.wisp.benchmarks.Setting;
import dev.wisp.benchmarks.Workload;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.util.Map;

/** Mask refinement: resize of the maps to the guide, affinity, ten steps. */
final class WispPamr implements Workload {
  private final Backend backend;
  private final PamrOptions options = PamrOptions.standard();
  private final ClassRows classes;
  private final int batch;
  private final Scope inputs;
  private final Tensor guides;
  private final Tensor maps;

  WispPamr(Backend backend, Setting setting) {
    this.backend = backend;
    classes = Layouts.classes(setting);
    batch = setting.batch();
    inputs = backend.compute(backend::scope);
    guides =
        backend.compute(
            () -> Layouts.channelsLast(backend, inputs, setting.guides(), batch, 3, GUIDE));
    maps = backend.compute(() -> Layouts.rows(backend, inputs, setting.maps(), classes, GRID));
  }

  @Override
  public void run() {
    backend.run(
        () -> {
          try (Scope scope = backend.scope()) {
            refine(scope);
          }
        });
  }

  @Override
  public Map<String, float[]> values() {
    return backend.compute(
        () -> {
          try (Scope scope = backend.scope()) {
            float[] rows = backend.floats(refine(scope));
            return Map.of("refined", Layouts.planes(rows, classes, GUIDE));
          }
        });
  }

  private Tensor refine(Scope scope) {
    int rows = classes.rows();
    Tensor large = scope.f32(rows, GUIDE, GUIDE);
    backend.resizeBilinear(
        maps.reshape(rows, GRID, GRID, 1), large.reshape(rows, GUIDE, GUIDE, 1), 0, true);
    Tensor affinity = scope.f32(batch, options.neighbours(), GUIDE, GUIDE);
    backend.pamrAffinity(guides, options, affinity, null, null);
    Tensor refined = scope.f32(rows, GUIDE, GUIDE);
    backend.pamrSteps(affinity, large, classes, options, refined);
    return refined;
  }

  @Override
  public void close() {
    backend.run(inputs::close);
  }
}
