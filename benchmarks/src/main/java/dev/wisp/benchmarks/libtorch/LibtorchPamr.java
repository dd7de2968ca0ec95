package dev.wisp.benchmarks.libtorch;

import static dev.wisp.benchmarks.Setting.CLASSES;
import static dev.wisp.benchmarks.Setting.GRID;
import static dev.wisp.benchmarks.Setting.GUIDE;

import dev.wisp.benchmarks.Setting;
import dev.wisp.benchmarks.Workload;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * Mask refinement in tensor operations: neighbours are gathered by replicate padding and a dilated
 * convolution with one-hot 3x3 kernels, for all classes at once, in every step anew.
 */
final class LibtorchPamr implements Workload {
  private static final long[] DILATIONS = {1, 2, 4, 8, 12, 24};
  private static final int STEPS = 10;

  private final Tensor guides;
  private final Tensor maps;
  private final Tensor nine;
  private final Tensor eight;

  LibtorchPamr(Setting setting) {
    guides = Tensors.of(setting.guides(), setting.batch(), 3, GUIDE, GUIDE);
    maps = Tensors.of(setting.maps(), setting.batch(), CLASSES, GRID, GRID);
    nine = taps(true);
    eight = taps(false);
  }

  @Override
  public void run() {
    Tensors.withoutGradient(this::refine).close();
  }

  @Override
  public Map<String, float[]> values() {
    try (Tensor refined = Tensors.withoutGradient(this::refine)) {
      return Map.of("refined", Tensors.floats(refined));
    }
  }

  private Tensor refine() {
    Tensor mask = torch.upsample_bilinear2d(maps, new long[] {GUIDE, GUIDE}, true);
    try (Tensor affinity = affinity()) {
      for (int step = 0; step < STEPS; step++) {
        try (Tensor neighbours = gather(mask, eight);
            Tensor weighted = neighbours.mul(affinity)) {
          mask.close();
          mask = weighted.sum(new long[] {2}, false, new ScalarTypeOptional());
        }
      }
    }
    return mask;
  }

  /** Softmax over the neighbours of the mean over channels of scaled differences: [N,1,48,H,W]. */
  private Tensor affinity() {
    try (Tensor deviation = deviation();
        Tensor scaled = deviation.mul(new Scalar(0.1));
        Tensor floor = scaled.add(new Scalar(1e-8));
        Tensor distance = distance();
        Tensor logit = distance.div_(floor);
        Tensor mean = logit.mean(new long[] {1}, true, new ScalarTypeOptional())) {
      return torch.softmax(mean, 2);
    }
  }

  private Tensor deviation() {
    try (Tensor samples = gather(guides, nine)) {
      return samples.std(new long[] {2}, true, true);
    }
  }

  private Tensor distance() {
    try (Tensor neighbours = gather(guides, eight);
        Tensor centre = guides.unsqueeze(2);
        Tensor difference = neighbours.sub(centre);
        Tensor distance = difference.abs()) {
      return distance.neg();
    }
  }

  /** {@code [N, K, H, W]} to {@code [N, K, dilations x kernels, H, W]}. */
  private static Tensor gather(Tensor x, Tensor kernels) {
    long batch = x.size(0);
    long channels = x.size(1);
    long height = x.size(2);
    long width = x.size(3);
    try (Tensor flat = x.view(batch * channels, 1, height, width);
        TensorVector parts = new TensorVector()) {
      for (long d : DILATIONS) {
        try (Tensor padded = torch.replication_pad2d(flat, d, d, d, d);
            Tensor part =
                torch.conv2d(
                    padded,
                    kernels,
                    Tensors.none(),
                    new long[] {1, 1},
                    new long[] {0, 0},
                    new long[] {d, d},
                    1)) {
          parts.push_back(part);
        }
      }
      try (Tensor all = torch.cat(parts, 1)) {
        return all.view(batch, channels, -1, height, width);
      }
    }
  }

  /** One-hot 3x3 kernels in row-major order, with or without the centre. */
  private static Tensor taps(boolean centre) {
    int count = centre ? 9 : 8;
    float[] values = new float[count * 9];
    for (int k = 0; k < count; k++) {
      int tap = centre || k < 4 ? k : k + 1;
      values[k * 9 + tap] = 1;
    }
    return Tensors.of(values, count, 1, 3, 3);
  }

  @Override
  public void close() {
    guides.close();
    maps.close();
    nine.close();
    eight.close();
  }
}
