package dev.wisp.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.common.CounterRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PillowResizeTest {
  @ParameterizedTest
  @CsvSource({
    "1, 1, 3, 1, 1",
    "1, 1, 3, 7, 5",
    "7, 5, 3, 1, 1",
    "13, 17, 3, 29, 31",
    "61, 67, 3, 5, 3",
    "40, 50, 3, 40, 25",
    "40, 50, 3, 20, 50",
    "9, 11, 1, 23, 4",
    "9, 11, 4, 5, 40"
  })
  void bicubicEqualsTheFormulaToTheBit(int h, int w, int c, int outH, int outW) {
    byte[] image = bytes(h * w * c);
    byte[] expected = image;
    if (outW != w) {
      expected = columns(image, h, w, c, outW);
    }
    if (outH != h) {
      expected = turned(columns(turned(expected, h, outW, c), outW, h, c, outH), outW, outH, c);
    }
    assertThat(PillowResize.bicubic(image, h, w, c, outH, outW)).isEqualTo(expected);
  }

  @Test
  void aConstantImageStaysConstant() {
    byte[] image = new byte[30 * 20 * 3];
    Arrays.fill(image, (byte) 201);
    byte[] expected = new byte[47 * 9 * 3];
    Arrays.fill(expected, (byte) 201);
    assertThat(PillowResize.bicubic(image, 30, 20, 3, 47, 9)).isEqualTo(expected);
  }

  @Test
  void nearestTakesTheValueUnderEachCentre() {
    byte[] mask = {0, 1, 2, 3, 4, 5};
    assertThat(PillowResize.nearest(mask, 2, 3, 4, 6))
        .containsExactly(0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 3, 3, 4, 4, 5, 5);
    assertThat(PillowResize.nearest(mask, 2, 3, 1, 1)).containsExactly(4);
  }

  @Test
  void manyThreadsResizeAtTheSameTime() throws Exception {
    byte[] image = bytes(50 * 60 * 3);
    byte[] expected = PillowResize.bicubic(image, 50, 60, 3, 33, 77);
    try (ExecutorService pool = Executors.newFixedThreadPool(4)) {
      List<Future<byte[]>> results = new ArrayList<>();
      for (int i = 0; i < 16; i++) {
        results.add(pool.submit(() -> PillowResize.bicubic(image, 50, 60, 3, 33, 77)));
      }
      for (Future<byte[]> result : results) {
        assertThat(result.get()).isEqualTo(expected);
      }
    }
  }

  @Test
  void wrongSizesAreRefusedByName() {
    byte[] image = new byte[12];
    assertThatThrownBy(() -> PillowResize.bicubic(image, 2, 3, 3, 4, 4))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("12 bytes");
    for (int[] s : new int[][] {{0, 2, 3, 4, 4}, {2, 2, 3, 0, 4}, {2, 2, 3, 4, -1}}) {
      assertThatThrownBy(() -> PillowResize.bicubic(image, s[0], s[1], s[2], s[3], s[4]))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("PillowResize.bicubic");
    }
    assertThatThrownBy(() -> PillowResize.nearest(image, 3, 4, 1 << 20, 1 << 20))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("too large");
    assertThatThrownBy(() -> PillowResize.nearest(image, 1 << 20, 1 << 20, 2, 2))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private static byte[] bytes(int length) {
    CounterRandom random = CounterRandom.of(15, length);
    byte[] bytes = new byte[length];
    for (int i = 0; i < length; i++) {
      bytes[i] = (byte) random.nextInt(256);
    }
    return bytes;
  }

  /** The horizontal pass, written from the formula. */
  private static byte[] columns(byte[] image, int h, int w, int c, int outW) {
    byte[] out = new byte[h * outW * c];
    double scale = (double) w / outW;
    double filterScale = Math.max(scale, 1);
    double support = 2 * filterScale;
    for (int o = 0; o < outW; o++) {
      double centre = (o + 0.5) * scale;
      int begin = Math.max(0, (int) (centre - support + 0.5));
      int end = Math.min(w, (int) (centre + support + 0.5));
      double[] weights = new double[end - begin];
      for (int t = begin; t < end; t++) {
        weights[t - begin] = cubic((t - centre + 0.5) * (1 / filterScale));
      }
      double total = 0;
      for (double weight : weights) {
        total += weight;
      }
      for (int y = 0; y < h; y++) {
        for (int ch = 0; ch < c; ch++) {
          long sum = 1 << 21;
          for (int t = begin; t < end; t++) {
            double share = weights[t - begin] / total * (1 << 22);
            sum +=
                (long) (share < 0 ? share - 0.5 : share + 0.5)
                    * (image[(y * w + t) * c + ch] & 255);
          }
          out[(y * outW + o) * c + ch] = (byte) Math.clamp(sum >> 22, 0, 255);
        }
      }
    }
    return out;
  }

  private static double cubic(double at) {
    double x = Math.abs(at);
    return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
  }

  /** Rows and columns exchanged. */
  private static byte[] turned(byte[] image, int h, int w, int c) {
    byte[] out = new byte[image.length];
    for (int y = 0; y < h; y++) {
      for (int x = 0; x < w; x++) {
        System.arraycopy(image, (y * w + x) * c, out, (x * h + y) * c, c);
      }
    }
    return out;
  }
}
