package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ClassRows;
import dev.wisp.backend.MapOps.Normalization;
import dev.wisp.method.AeSipeNet;
import dev.wisp.method.Localization;
import dev.wisp.method.Observer;
import dev.wisp.method.ScaledImage;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;
import java.util.List;

/**
 * The maps of one network after each of its stages, all from one pass: CAM (normalised, background
 * as the method defines it), IS-CAM (the first reactivation) and the final maps. Each is summed
 * over the scales at the image's size and divided by its maximum, as the final ones are.
 *
 * @param cam the classifier's maps
 * @param isCam image-specific maps before affinity enhancement
 * @param last the final maps
 */
record StageMaps(Localization cam, Localization isCam, Localization last) {
  private static final float EPS = 1e-5f;

  static StageMaps of(AeSipeNet network, List<ScaledImage> scales, int[] present) {
    Backend backend = network.backend();
    int height = scales.getFirst().height();
    int width = scales.getFirst().width();
    ClassRows rows = ClassRows.present(new int[][] {present}, network.config().foreground());
    return backend.compute(
        () -> {
          try (Scope scope = backend.scope()) {
            Tensor cam = zeros(backend, scope, rows.rows(), height, width);
            Tensor isCam = zeros(backend, scope, rows.rows(), height, width);
            Observer sums = new Sums(backend, rows, cam, isCam);
            Localization last = network.localize(scales, present, sums);
            return new StageMaps(
                normalized(backend, scope, rows, cam),
                normalized(backend, scope, rows, isCam),
                last);
          }
        });
  }

  private static Tensor zeros(Backend backend, Scope scope, int rows, int height, int width) {
    Tensor sum = scope.f32(rows, height, width);
    backend.fill(sum, 0);
    return sum;
  }

  private static Localization normalized(Backend backend, Scope scope, ClassRows rows, Tensor sum) {
    Tensor out = scope.allocate(sum.type(), sum.shape());
    Tensor peak = scope.i32(rows.rows(), 2);
    backend.normalizeMaps(sum, Normalization.MAX, EPS, out, peak);
    return new Localization(
        rows.ids(), sum.shape().dim(1), sum.shape().dim(2), backend.floats(out));
  }

  /** Adds up what passes by. */
  private static final class Sums implements Observer {
    private final Backend backend;
    private final ClassRows rows;
    private final Tensor cam;
    private final Tensor isCam;
    private boolean first;

    Sums(Backend backend, ClassRows rows, Tensor cam, Tensor isCam) {
      this.backend = backend;
      this.rows = rows;
      this.cam = cam;
      this.isCam = isCam;
    }

    @Override
    public void see(Stage stage, Tensor value) {
      if (stage == Stage.MAPS) {
        addPresent(value);
        first = true;
      } else if (stage == Stage.REACTIVATED && first) {
        add(value, isCam);
        first = false;
      }
    }

    /** Here the maps hold every class; only the present ones are kept. */
    private void addPresent(Tensor all) {
      int positions = all.shape().dim(1) * all.shape().dim(2);
      float[] values = backend.floats(all);
      float[] kept = new float[rows.rows() * positions];
      for (int row = 0; row < rows.rows(); row++) {
        System.arraycopy(values, rows.id(row) * positions, kept, row * positions, positions);
      }
      try (Scope scope = backend.scope()) {
        Tensor present = scope.f32(rows.rows(), all.shape().size(1), all.shape().size(2));
        backend.upload(kept, present);
        add(present, cam);
      }
    }

    private void add(Tensor maps, Tensor sum) {
      Shape from = maps.shape();
      Shape to = sum.shape();
      try (Scope scope = backend.scope()) {
        Tensor large = scope.allocate(sum.type(), to);
        backend.resizeBilinear(
            maps.reshape(from.size(0), from.size(1), from.size(2), 1),
            large.reshape(to.size(0), to.size(1), to.size(2), 1),
            0,
            false);
        backend.addScaled(1, large, sum);
      }
    }
  }
}
