package dev.wisp.data.transform;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wisp.common.CounterRandom;
import dev.wisp.io.Image;
import dev.wisp.io.Mask;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AugmentationTest {
  private static Image white(int width, int height) {
    byte[] rgb = new byte[3 * width * height];
    java.util.Arrays.fill(rgb, (byte) 255);
    return new Image(width, height, rgb);
  }

  private static Augmentation longSide(int crop, int low, int high, double mirror) {
    return new Augmentation(crop, new Scaling.LongSide(low, high), mirror);
  }

  /** An image whose red and a mask whose label are the same blocks of 4x4 pixels. */
  private static Crop withMask(Augmentation augmentation, int width, int height, long seed) {
    byte[] rgb = new byte[3 * width * height];
    byte[] index = new byte[width * height];
    for (int i = 0; i < index.length; i++) {
      int block = 1 + (i / width / 4 * 7 + i % width / 4 * 3) % 5;
      rgb[3 * i] = (byte) (50 * block);
      index[i] = (byte) block;
    }
    return augmentation.apply(
        new Image(width, height, rgb), new Mask(width, height, index), CounterRandom.of(seed));
  }

  @ParameterizedTest
  @CsvSource({"40, 30, 32", "9, 50, 16", "1, 1, 16", "13, 7, 8"})
  void aMaskIsCroppedAndMirroredWithItsImageAndVoidBesideIt(int width, int height, int crop) {
    for (int i = 0; i < 20; i++) {
      Augmentation augmentation =
          longSide(crop, Math.max(width, height), Math.max(width, height), 0.5);
      Crop result = withMask(augmentation, width, height, i);
      byte[] mask = Objects.requireNonNull(result.mask());
      for (int y = 0; y < crop; y++) {
        for (int x = 0; x < crop; x++) {
          int label = mask[y * crop + x] & 0xFF;
          boolean inside =
              y >= result.top() && y < result.bottom() && x >= result.left() && x < result.right();
          float red = result.pixels()[3 * (y * crop + x)];
          if (inside) {
            byte[] colour = {(byte) (50 * label), 0, 0};
            assertThat(red).isEqualTo(Normalizer.normalize(colour)[0]);
          } else {
            assertThat(label).isEqualTo(Mask.VOID);
            assertThat(red).isZero();
          }
        }
      }
    }
  }

  @Test
  void aScaledMaskHoldsOnlyLabelsThatItHeldBefore() {
    Augmentation augmentation = new Augmentation(32, new Scaling.Factor(0.4, 1.7), 0.5);
    for (int i = 0; i < 40; i++) {
      for (byte label : Objects.requireNonNull(withMask(augmentation, 31, 23, i).mask())) {
        assertThat(label & 0xFF).isIn(1, 2, 3, 4, 5, Mask.VOID);
      }
    }
  }

  @Test
  void aFactorStaysWithinItsRangeAndReachesBothHalvesOfIt() {
    Augmentation augmentation = new Augmentation(64, new Scaling.Factor(0.5, 1.5), 0);
    int larger = 0;
    for (int i = 0; i < 100; i++) {
      Crop crop = augmentation.apply(white(40, 20), CounterRandom.of(1, i));
      assertThat(crop.bottom() - crop.top()).isBetween(10, 30);
      assertThat(crop.right() - crop.left()).isBetween(20, 60);
      assertThat(crop.mask()).isNull();
      larger += crop.bottom() - crop.top() > 20 ? 1 : 0;
    }
    assertThat(larger).isBetween(25, 75);
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
    Augmentation augmentation = longSide(32, low, high, 0.5);
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
    Crop plain = longSide(16, 20, 20, 0).apply(image, CounterRandom.of(3));
    Crop mirrored = longSide(16, 20, 20, 1).apply(image, CounterRandom.of(3));
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
    Augmentation augmentation = longSide(16, 8, 12, 0.5);
    for (int i = 0; i < 100; i++) {
      Crop crop = augmentation.apply(white(20, 20), CounterRandom.of(1, i));
      seen[crop.bottom() - crop.top() - 8] = true;
    }
    assertThat(seen).containsOnly(true);
  }

  @Test
  void aGridPositionIsValidWhereItsCornerPixelIs() {
    Crop crop = new Crop(new float[3 * 32 * 32], 32, 8, 20, 0, 9, null);
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
