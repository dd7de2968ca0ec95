package dev.wisp.benchmarks.libtorch;

import static dev.wisp.benchmarks.Setting.CHANNELS;
import static dev.wisp.benchmarks.Setting.CLASSES;
import static dev.wisp.benchmarks.Setting.GRID;

import dev.wisp.benchmarks.Setting;
import dev.wisp.benchmarks.Workload;
import java.util.Map;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Prototypes and reactivation by broadcasting over {@code [N, classes, D, h, w]}. */
final class LibtorchReactivation implements Workload {
  private final int batch;
  private final Tensor features;
  private final Tensor seeds;

  LibtorchReactivation(Setting setting) {
    batch = setting.batch();
    features = Tensors.of(setting.features(), batch, CHANNELS, GRID, GRID);
    int[] ids = setting.seeds();
    int positions = GRID * GRID;
    float[] hot = new float[batch * CLASSES * positions];
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] >= 0) {
        hot[(i / positions * CLASSES + ids[i]) * positions + i % positions] = 1;
      }
    }
    seeds = Tensors.of(hot, batch, CLASSES, GRID, GRID);
  }

  @Override
  public void run() {
    Tensors.withoutGradient(this::maps).close();
  }

  @Override
  public Map<String, float[]> values() {
    try (Tensor maps = Tensors.withoutGradient(this::maps)) {
      return Map.of("maps", Tensors.floats(maps));
    }
  }

  private Tensor maps() {
    try (Tensor feature = features.unsqueeze(1);
        Tensor prototypes = prototypes(feature);
        Tensor cosine = torch.cosine_similarity(feature, prototypes, 2, 1e-8)) {
      return cosine.relu();
    }
  }

  private Tensor prototypes(Tensor feature) {
    try (Tensor hot = seeds.unsqueeze(2);
        Tensor products = feature.mul(hot)) {
      return products.mean(new long[] {3, 4}, true, new ScalarTypeOptional());
    }
  }

  @Override
  public void close() {
    features.close();
    seeds.close();
  }
}
