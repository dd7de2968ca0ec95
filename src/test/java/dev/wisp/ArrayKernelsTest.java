package dev.wisp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.wisp.backend.PamrOptions;
import java.util.Arrays;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ArrayKernelsTest {
  private static final int H = 24;
  private static final int W = 31;

  @Test
  void refinedMapsStopAtAColourEdge() {
    float[] guide = new float[H * W * 3];
    float[] map = new float[H * W];
    int edge = 15;
    for (int y = 0; y < H; y++) {
      for (int x = 0; x < W; x++) {
        Arrays.fill(guide, (y * W + x) * 3, (y * W + x) * 3 + 3, x < edge ? 0.2f : 0.9f);
        map[y * W + x] = x < edge - 4 ? 1 : 0;
      }
    }
    float[] refined = Pamr.refine(guide, H, W, map, 1, PamrOptions.standard());
    assertThat(refined[12 * W + edge - 1]).isGreaterThan(0.5f);
    assertThat(refined[12 * W + edge]).isLessThan(0.05f);
  }

  @Test
  void twoKindsOfFeatureBecomeTwoClassesOfSeedsAndReactivateWhole() {
    int depth = 5;
    float[] feature = new float[H * W * depth];
    float[] maps = new float[2 * H * W];
    for (int i = 0; i < H * W; i++) {
      boolean object = i % W < 10;
      feature[i * depth + (object ? 1 : 3)] = 1;
      maps[H * W + i] = i % W < 3 ? 1 : 0;
      maps[i] = 1 - maps[H * W + i];
    }
    int[] seeds = Prototypes.seeds(feature, H, W, depth, maps, 2);
    assertThat(IntStream.range(0, H * W).filter(i -> seeds[i] == 1).boxed())
        .allMatch(i -> i % W < 10);
    assertThat(seeds[5]).isEqualTo(1);
    float[] again = Prototypes.reactivate(feature, H, W, depth, seeds, 2);
    assertThat(again[H * W + 9]).isCloseTo(1, within(1e-6f));
    assertThat(again[H * W + 20]).isZero();
  }

  @Test
  void severalThreadsGetTheResultOfOne() throws Exception {
    float[] guide = new float[H * W * 3];
    float[] maps = new float[2 * H * W];
    for (int i = 0; i < guide.length; i++) {
      guide[i] = (i * 37 % 101) / 101f;
    }
    for (int i = 0; i < maps.length; i++) {
      maps[i] = (i * 53 % 97) / 97f;
    }
    float[] expected = Pamr.refine(guide, H, W, maps, 2, PamrOptions.standard());
    try (var pool = Executors.newFixedThreadPool(4)) {
      var results =
          IntStream.range(0, 8)
              .mapToObj(
                  i -> pool.submit(() -> Pamr.refine(guide, H, W, maps, 2, PamrOptions.standard())))
              .toList();
      for (Future<float[]> result : results) {
        assertThat(result.get()).isEqualTo(expected);
      }
    }
  }

  @Test
  void wrongLengthsAndSizesAreRefusedByName() {
    assertThatThrownBy(
            () -> Pamr.refine(new float[5], 2, 2, new float[4], 1, PamrOptions.standard()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("guide has 5 elements");
    assertThatThrownBy(
            () -> Pamr.refine(new float[0], 0, 2, new float[0], 1, PamrOptions.standard()))
        .hasMessageContaining("height 0");
    assertThatThrownBy(() -> Prototypes.seeds(new float[8], 2, 2, 2, new float[5], 1))
        .hasMessageContaining("maps has 5 elements");
    assertThatThrownBy(() -> Prototypes.reactivate(new float[8], 2, 2, 2, new int[3], 1))
        .hasMessageContaining("seeds has 3 elements");
  }

  @Test
  void notANumberAndInfinityPassThroughWithoutHarm() {
    float[] guide = new float[H * W * 3];
    float[] map = new float[H * W];
    guide[0] = Float.NaN;
    guide[7] = Float.POSITIVE_INFINITY;
    map[9] = Float.NaN;
    assertThat(Pamr.refine(guide, H, W, map, 1, PamrOptions.standard())).hasSize(H * W);
    float[] feature = new float[H * W * 3];
    feature[4] = Float.NaN;
    feature[11] = Float.NEGATIVE_INFINITY;
    assertThat(Prototypes.seeds(feature, H, W, 3, map, 1)).hasSize(H * W);
    int[] seeds = new int[H * W];
    seeds[3] = Integer.MAX_VALUE;
    seeds[4] = Integer.MIN_VALUE;
    assertThat(Prototypes.reactivate(feature, H, W, 3, seeds, 1)).hasSize(H * W);
  }
}
