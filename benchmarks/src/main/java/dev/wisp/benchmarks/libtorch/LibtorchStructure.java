package dev.wisp.benchmarks.libtorch;

import static dev.wisp.benchmarks.Setting.CHANNELS;
import static dev.wisp.benchmarks.Setting.CLASSES;
import static dev.wisp.benchmarks.Setting.GRID;

import dev.wisp.benchmarks.Setting;
import dev.wisp.benchmarks.Workload;
import java.util.Map;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Structure seeds in tensor operations: the correlation of all pairs of positions, then
 * intersection and union for every class as {@code [N, classes, hw, hw]} products.
 */
final class LibtorchStructure implements Workload {
  private static final int POSITIONS = GRID * GRID;

  private final int batch;
  private final Tensor features;
  private final Tensor maps;
  private final Tensor validity;

  LibtorchStructure(Setting setting) {
    batch = setting.batch();
    features = Tensors.of(setting.features(), batch, CHANNELS, GRID, GRID);
    maps = Tensors.of(setting.maps(), batch, CLASSES, GRID, GRID);
    validity = Tensors.of(setting.validity(), batch, CLASSES, 1, 1);
  }

  @Override
  public void run() {
    Tensors.withoutGradient(
            () -> {
              try (Tensor overlap = overlap()) {
                return seeds(overlap);
              }
            })
        .close();
  }

  @Override
  public Map<String, float[]> values() {
    return Tensors.withoutGradient(
        () -> {
          try (Tensor overlap = overlap();
              Tensor seeds = seeds(overlap)) {
            // Absent classes have no row elsewhere: their overlap is 0 here and stays comparable.
            return Map.of("iou", Tensors.floats(overlap), "seeds", Tensors.floats(seeds));
          }
        });
  }

  /** {@code [N, classes, h, w]}, the background's halved. */
  private Tensor overlap() {
    try (Tensor correlation = correlation();
        Tensor flat = maps.view(batch, CLASSES, 1, POSITIONS);
        Tensor product = correlation.mul(flat);
        Tensor inter = sum(product);
        Tensor areas = sum(correlation);
        Tensor masses = sum(flat);
        Tensor both = areas.add(masses);
        Tensor union = both.sub(inter);
        Tensor ratio = inter.div(union)) {
      try (Tensor background = ratio.select(1, 0)) {
        background.mul_(new Scalar(0.5));
      }
      return ratio.view(batch, CLASSES, GRID, GRID);
    }
  }

  /** relu of the cosine of all pairs: {@code [N, 1, hw, hw]}. */
  private Tensor correlation() {
    try (Tensor flat = features.view(batch, CHANNELS, POSITIONS);
        Tensor norm = flat.norm(new ScalarOptional(new Scalar(2.0)), new long[] {1}, true);
        Tensor floor = norm.add(new Scalar(1e-5));
        Tensor unit = flat.div(floor);
        Tensor transposed = unit.transpose(2, 1);
        Tensor cosine = torch.matmul(transposed, unit)) {
      cosine.relu_();
      return cosine.unsqueeze(1);
    }
  }

  /** One-hot first maximum times validity. */
  private Tensor seeds(Tensor overlap) {
    try (Tensor winner = overlap.argmax(new LongOptional(1), true);
        Tensor hot = torch.zeros(batch, CLASSES, GRID, GRID)) {
      hot.scatter_(1, winner, new Scalar(1.0));
      return hot.mul(validity);
    }
  }

  private static Tensor sum(Tensor x) {
    return x.sum(new long[] {-1}, false, new ScalarTypeOptional());
  }

  @Override
  public void close() {
    features.close();
    maps.close();
    validity.close();
  }
}
