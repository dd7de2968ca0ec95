package dev.wisp.data.transform;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wisp.common.CounterRandom;
import dev.wisp.io.Image;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AugmentationTest {
  private static Image white(int width, int height) {
    byte[] rgb = new byte[3 * width * height];
    java.util.Arrays.fill(rgb, (byte) 255);
    return new Image(width, height, rgb);
  }

  @ParameterizedTest
  @CsvSource({
    "40, 30, 32, 32",
    "1, 1, 32, 48",
    "300, 2, 8, 64",
    "17, 90, 48, 48",
    "32, 32, 32, 32"
  })
  void theValidBoxIsExactlyWhereTheImageLies(int width, int height, int low, int high) {
    Augmentation augmentation = new Augmentation(32, low, high, 0.5);
    for (int i = 0; i < 20; i++) {
      Crop crop = augmentation.apply(white(width, height), CounterRandom.of(1, i));
      float[] white = Normalizer.normalize(new byte[] {(byte) 255, (byte) 255, (byte) 255});
      for (int y = 0; y < 32; y++) {
        for (int x = 0; x < 32; x++) {
          boolean inside =
              y >= crop.top() && y < crop.bottom() && x >= crop.left() && x < crop.right();
          for (int c = 0; c < 3; c++) {
            assertThat(crop.pixels()[3 * (y * 32 + x) + c]).isEqualTo(inside ? white[c] : 0);
          }
        }
      }
    }
  }

  @Test
  void mirroringTurnsTheCropAndItsBoxAround() {
    byte[] rgb = new byte[3 * 20 * 10];
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) (i * 7);
    }
    Image image = new Image(20, 10, rgb);
    Crop plain = new Augmentation(16, 20, 20, 0).apply(image, CounterRandom.of(3));
    Crop mirrored = new Augmentation(16, 20, 20, 1).apply(image, CounterRandom.of(3));
    assertThat(mirrored.top()).isEqualTo(plain.top());
    assertThat(mirrored.left()).isEqualTo(16 - plain.right());
    for (int y = 0; y < 16; y++) {
      for (int x = 0; x < 16; x++) {
        assertThat(mirrored.pixels()[3 * (y * 16 + x)])
            .isEqualTo(plain.pixels()[3 * (y * 16 + 15 - x)]);
      }
    }
  }

  @Test
  void theLongSideTakesEveryValueOfItsRange() {
    boolean[] seen = new boolean[5];
    Augmentation augmentation = new Augmentation(16, 8, 12, 0.5);
    for (int i = 0; i < 100; i++) {
      Crop crop = augmentation.apply(white(20, 20), CounterRandom.of(1, i));
      seen[crop.bottom() - crop.top() - 8] = true;
    }
    assertThat(seen).containsOnly(true);
  }

  @Test
  void aGridPositionIsValidWhereItsCornerPixelIs() {
    Crop crop = new Crop(new float[3 * 32 * 32], 32, 8, 20, 0, 9);
    assertThat(crop.valid(8)).containsExactly(0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0);
  }

  @ParameterizedTest
  @CsvSource({
    "5, 3, 0.5, 2, 2",
    "7, 5, 0.5, 4, 2",
    "1, 400, 0.25, 1, 100",
    "101, 150, 1.5, 152, 225"
  })
  void scaledSizesRoundHalfToEvenAndKeepOnePixel(int h, int w, double factor, int oh, int ow) {
    assertThat(Sizes.scaled(h, w, factor)).isEqualTo(new Sizes.Size(oh, ow));
  }
}
