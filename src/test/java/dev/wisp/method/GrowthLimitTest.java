package dev.wisp.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.backend.Backend;
import dev.wisp.backend.reference.ReferenceBackend;
import dev.wisp.method.Observer.Stage;
import dev.wisp.tensor.DType;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class GrowthLimitTest {
  private static final int HEIGHT = 40;
  private static final int WIDTH = 56;
  private static final int[] PRESENT = {1, 3};

  /** What an observer saw, stage by stage. */
  private static final class Seen implements Observer {
    private final Backend backend;
    final Map<Stage, List<float[]>> maps = new EnumMap<>(Stage.class);
    final Map<Stage, List<int[]>> seeds = new EnumMap<>(Stage.class);

    Seen(Backend backend) {
      this.backend = backend;
    }

    @Override
    public void see(Stage stage, Tensor value) {
      if (value.type() == DType.I32) {
        seeds.computeIfAbsent(stage, s -> new ArrayList<>()).add(backend.ints(value));
      } else {
        maps.computeIfAbsent(stage, s -> new ArrayList<>()).add(backend.floats(value));
      }
    }

    List<int[]> seeds(Stage stage) {
      return seeds.getOrDefault(stage, List.of());
    }

    float[] reactivated(int time) {
      return maps.getOrDefault(Stage.REACTIVATED, List.of()).get(time);
    }
  }

  private static Seen localize(AeSipeConfig config) {
    try (Backend backend = new ReferenceBackend();
        AeSipeNet net = new AeSipeNet(backend, config)) {
      net.initialize(1);
      Seen seen = new Seen(backend);
      ScaledImage image = new ScaledImage(Tiny.pixels(HEIGHT * WIDTH * 3, 2), HEIGHT, WIDTH);
      net.localize(List.of(image), PRESENT, seen);
      return seen;
    }
  }

  /** Map of a seed's class before the n-th PAMR at a position, as a share of the map's maximum. */
  private static float share(Seen seen, int time, int seed, int position) {
    float[] maps = seen.reactivated(time);
    int positions = seen.seeds(Stage.ARGMAX).get(time).length;
    int row = seed == 0 ? 0 : seed == PRESENT[0] ? 1 : 2;
    float top = 0;
    for (int p = 0; p < positions; p++) {
      top = Math.max(top, maps[row * positions + p]);
    }
    return maps[row * positions + position] / (top + Head.EPS);
  }

  /** Halfway between the smallest and the largest share of the first round's foreground seeds. */
  private static float limitThatTakesSome(AeSipeConfig config) {
    Seen seen = localize(config);
    int[] seeds = seen.seeds(Stage.ARGMAX).getFirst();
    float low = Float.POSITIVE_INFINITY;
    float high = Float.NEGATIVE_INFINITY;
    for (int p = 0; p < seeds.length; p++) {
      if (seeds[p] > 0) {
        low = Math.min(low, share(seen, 0, seeds[p], p));
        high = Math.max(high, share(seen, 0, seeds[p], p));
      }
    }
    assertThat(low).isLessThan(high);
    return (low + high) / 2;
  }

  @Test
  void aClassIsASeedAfterEachPamrOnlyWhereItsMapBeforeReachedTheShareOfItsMaximum() {
    AeSipeConfig twice =
        Tiny.config().withSequence(MapSequence.parse("pr,is,pamr,pr,is,pamr,pr,is"));
    float limit = limitThatTakesSome(twice);
    Seen seen = localize(twice.withGrowthLimit(limit));
    assertThat(seen.seeds(Stage.LIMITED)).hasSize(2);
    int taken = 0;
    int kept = 0;
    for (int time = 0; time < 2; time++) {
      int[] before = seen.seeds(Stage.ARGMAX).get(time);
      int[] after = seen.seeds(Stage.LIMITED).get(time);
      for (int p = 0; p < before.length; p++) {
        boolean supported = before[p] == 0 || share(seen, time, before[p], p) >= limit;
        assertThat(after[p])
            .as("seed %d at %d", before[p], p)
            .isEqualTo(supported ? before[p] : -1);
        taken += supported ? 0 : 1;
        kept += supported && before[p] > 0 ? 1 : 0;
      }
    }
    assertThat(taken).isPositive();
    assertThat(kept).isPositive();
  }

  @Test
  void nothingIsLimitedByDefaultOrWithoutPamr() {
    assertThat(localize(Tiny.config()).seeds(Stage.LIMITED)).isEmpty();
    Seen seen =
        localize(Tiny.config().withSequence(MapSequence.parse("pr,is,pr,is")).withGrowthLimit(0.5));
    assertThat(seen.seeds(Stage.ARGMAX)).hasSize(1);
    assertThat(seen.seeds(Stage.LIMITED)).isEmpty();
  }

  @Test
  void aLimitOutsideItsRangeIsRefused() {
    for (double limit : new double[] {-0.1, 1, Double.NaN}) {
      assertThatThrownBy(() -> Tiny.config().withGrowthLimit(limit))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("growth limit");
    }
  }
}
