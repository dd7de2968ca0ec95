package dev.wisp.data.synth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.common.WispException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SceneTest {
  private static final SynthOptions OPTIONS = new SynthOptions(64, 30, 30, 5, 3);

  @Test
  void theSameSeedDrawsTheSamePixelsAndAnotherDoesNot() {
    Scene.Drawing once = Scene.draw(OPTIONS, 0, 7);
    Scene.Drawing twice = Scene.draw(OPTIONS, 0, 7);
    assertThat(twice.rgb()).isEqualTo(once.rgb());
    assertThat(twice.mask()).isEqualTo(once.mask());
    assertThat(Scene.draw(new SynthOptions(64, 30, 30, 5, 4), 0, 7).rgb()).isNotEqualTo(once.rgb());
    assertThat(Scene.draw(OPTIONS, 1, 7).rgb()).isNotEqualTo(once.rgb());
  }

  @Test
  void labelsAreTheClassesOfTheMaskAndAllClassesOccur() {
    Set<Integer> seen = new HashSet<>();
    Set<Integer> counts = new HashSet<>();
    for (int i = 0; i < 30; i++) {
      Scene.Drawing drawing = Scene.draw(OPTIONS, 0, i);
      Set<Integer> inMask = new HashSet<>();
      for (byte id : drawing.mask()) {
        if (id != 0) {
          inMask.add((int) id);
        }
      }
      Set<Integer> labels = new HashSet<>();
      for (int id : drawing.classIds()) {
        labels.add(id);
      }
      assertThat(labels).isEqualTo(inMask);
      seen.addAll(labels);
      counts.add(labels.size());
    }
    assertThat(seen).containsExactlyInAnyOrder(1, 2, 3, 4, 5);
    assertThat(counts).contains(1, 2);
  }

  @Test
  void decoysChangePixelsOfObjectsInImagesOfSeveralClassesAndNothingElse() {
    SynthOptions planted = new SynthOptions(64, 30, 30, 5, 3, 1);
    int changed = 0;
    for (int i = 0; i < 30; i++) {
      Scene.Drawing plain = Scene.draw(OPTIONS, 0, i);
      Scene.Drawing decoyed = Scene.draw(planted, 0, i);
      assertThat(decoyed.mask()).isEqualTo(plain.mask());
      assertThat(decoyed.classIds()).isEqualTo(plain.classIds());
      for (int pixel = 0; pixel < plain.mask().length; pixel++) {
        if (plain.mask()[pixel] == 0) {
          assertThat(Arrays.copyOfRange(decoyed.rgb(), 3 * pixel, 3 * pixel + 3))
              .isEqualTo(Arrays.copyOfRange(plain.rgb(), 3 * pixel, 3 * pixel + 3));
        }
      }
      boolean same = Arrays.equals(decoyed.rgb(), plain.rgb());
      if (plain.classIds().length < 2) {
        assertThat(same).as("image %d of one class", i).isTrue();
      }
      changed += same ? 0 : 1;
    }
    assertThat(changed).isGreaterThan(8);
  }

  @Test
  void everyPatternDiffersFromTheOthersInManyPixels() {
    for (int a = 0; a < PartPattern.COUNT; a++) {
      int[] differing = new int[PartPattern.COUNT];
      for (double y = -8; y < 8; y += 0.5) {
        for (double x = -8; x < 8; x += 0.5) {
          boolean white = PartPattern.white(a, x, y);
          for (int b = 0; b < PartPattern.COUNT; b++) {
            differing[b] += white == PartPattern.white(b, x, y) ? 0 : 1;
          }
        }
      }
      for (int b = 0; b < PartPattern.COUNT; b++) {
        if (b != a) {
          assertThat(differing[b]).as("%d against %d", a, b).isGreaterThan(150);
        }
      }
    }
  }

  @Test
  void sizesOutOfRangeAreNamed() {
    assertThatThrownBy(() -> new SynthOptions(20, 1, 1, 5, 0))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("size is 20");
    assertThatThrownBy(() -> new SynthOptions(64, 1, 1, 11, 0))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("classes is 11");
    assertThatThrownBy(() -> new SynthOptions(64, 1, 1, 5, 0, Double.NaN))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("decoys is NaN");
  }
}
