package dev.wisp.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wisp.backend.Backend;
import dev.wisp.backend.cpu.CpuBackend;
import dev.wisp.backend.cpu.CpuOptions;
import dev.wisp.common.CounterRandom;
import dev.wisp.method.Localization;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MapEnlargerTest {
  private static Localization maps(int height, int width) {
    CounterRandom random = CounterRandom.of(6);
    float[] values = new float[3 * height * width];
    for (int i = 0; i < values.length; i++) {
      // Coarse, so that classes are often equal.
      values[i] = random.nextInt(5) / 4f;
    }
    return new Localization(new int[] {0, 4, 200}, height, width, values);
  }

  /** 300 x 280 pixels are more than one piece. */
  @ParameterizedTest
  @CsvSource({"9, 7, 9, 7", "9, 7, 300, 280", "300, 280, 300, 280", "1, 1, 5, 3"})
  void labelsReadInPiecesAreThoseOfTheWholeMaps(int h, int w, int height, int width) {
    try (Backend backend = CpuBackend.open(CpuOptions.standard().withThreads(1))) {
      MapEnlarger enlarger = new MapEnlarger(backend, maps(h, w), height, width);
      float[] all = enlarger.all();
      assertThat(all).hasSize(3 * height * width);
      Localization whole = new Localization(new int[] {0, 4, 200}, height, width, all);
      assertThat(enlarger.labels(0.8f)).isEqualTo(FactorSweep.bytes(whole.labels(0.8f)));
      assertThat(backend.memoryStatistics().used()).isZero();
      if (h == height) {
        assertThat(all).isEqualTo(maps(h, w).maps());
      }
    }
  }
}
