package dev.wisp.method;

import dev.wisp.backend.PamrOptions;
import dev.wisp.common.CounterRandom;
import dev.wisp.nn.ResNetConfig;
import java.util.List;

/** Networks and batches small enough for the float64 reference. */
final class Tiny {
  static final int FOREGROUND = 3;

  private Tiny() {}

  /** Output stride 8 without, 16 with a pool. */
  static ResNetConfig encoder(boolean pool) {
    return new ResNetConfig(
        3,
        2,
        3,
        pool,
        List.of(
            new ResNetConfig.Layer(1, 2, 4, 1),
            new ResNetConfig.Layer(2, 2, 5, 2),
            new ResNetConfig.Layer(2, 3, 6, 2),
            new ResNetConfig.Layer(1, 3, 7, 1)));
  }

  static AeSipeConfig config() {
    return AeSipeConfig.aeSipe(encoder(false), FOREGROUND)
        .withSideChannels(List.of(2, 2, 3, 3))
        .withPamr(new PamrOptions(new int[] {1, 2}, 2, PamrOptions.Kernel.ABS_STD, 0.1f))
        .withGuideStride(2);
  }

  static float[] pixels(int count, long seed) {
    CounterRandom random = CounterRandom.of(seed);
    float[] pixels = new float[count];
    for (int i = 0; i < count; i++) {
      pixels[i] = (float) random.nextGaussian();
    }
    return pixels;
  }

  static TrainingBatch batch(int size, int[][] labels, float[] valid, long seed) {
    float[] pixels = pixels(labels.length * size * size * 3, seed);
    return new TrainingBatch(pixels, labels.length, size, size, labels, valid);
  }
}
