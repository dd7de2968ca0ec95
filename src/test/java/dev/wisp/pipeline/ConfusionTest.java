package dev.wisp.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ConfusionTest {
  private static byte[] bytes(int... values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return bytes;
  }

  @Test
  void intersectionsAndUnionsAreSummedOverImagesAndAbsentClassesSkipped() {
    Confusion confusion = new Confusion(4);
    confusion.add(bytes(0, 0, 1, 1), bytes(0, 1, 1, 1));
    confusion.add(bytes(0, 255, 2), bytes(0, 1, 0));
    double[] iou = confusion.iou(Confusion.Convention.VOC);
    assertThat(iou[0]).isEqualTo(2 / 4.0);
    assertThat(iou[1]).isEqualTo(2 / 3.0);
    assertThat(iou[2]).isZero();
    assertThat(iou[3]).isNaN();
    assertThat(confusion.meanIou(Confusion.Convention.VOC))
        .isCloseTo((0.5 + 2 / 3.0) / 3, within(1e-15));
  }

  @Test
  void aPredictionThatIsNoClassIsAMissButVanishesInTheReleaseConvention() {
    Confusion confusion = new Confusion(2);
    confusion.add(bytes(1, 1, 0), bytes(1, 255, 0));
    assertThat(confusion.iou(Confusion.Convention.VOC)[1]).isEqualTo(0.5);
    assertThat(confusion.iou(Confusion.Convention.RELEASE)[1]).isEqualTo(1);
  }

  @Test
  void nothingCountedGivesNoNumber() {
    assertThat(new Confusion(3).meanIou(Confusion.Convention.VOC)).isNaN();
  }

  @Test
  void unknownTruthAndDifferentSizesAreRefused() {
    Confusion confusion = new Confusion(2);
    assertThatThrownBy(() -> confusion.add(bytes(2), bytes(0)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("class 2");
    assertThatThrownBy(() -> confusion.add(bytes(1), bytes(0, 0)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void thePairedIntervalHoldsTheDifferenceAndIsEqualForEqualSeeds() {
    List<Confusion> good = images(3);
    List<Confusion> bad = images(7);
    Bootstrap.Interval interval = Bootstrap.difference(good, bad, 1);
    assertThat(interval.low()).isLessThan(interval.value()).isPositive();
    assertThat(interval.high()).isGreaterThan(interval.value());
    assertThat(Bootstrap.difference(good, bad, 1)).isEqualTo(interval);
    Bootstrap.Interval none = Bootstrap.difference(good, good, 1);
    assertThat(none.low()).isZero();
    assertThat(none.high()).isZero();
  }

  /** Forty images of 100 pixels of which each has 0..errors-1 wrong ones. */
  private static List<Confusion> images(int errors) {
    return IntStream.range(0, 40)
        .mapToObj(
            image -> {
              byte[] truth = new byte[100];
              byte[] prediction = new byte[100];
              for (int i = 0; i < 100; i++) {
                truth[i] = (byte) (i % 2);
                prediction[i] = (byte) (i < image % errors * 5 ? 1 - truth[i] : truth[i]);
              }
              Confusion confusion = new Confusion(2);
              confusion.add(truth, prediction);
              return confusion;
            })
        .toList();
  }
}
