package dev.wisp.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wisp.pipeline.Showcase.Shown;
import dev.wisp.pipeline.Showcase.Why;
import org.junit.jupiter.api.Test;

class ShowcaseTest {
  private static Showcase<Integer> of(int limit, double... scores) {
    Showcase<Integer> showcase = new Showcase<>(limit);
    for (int i = 0; i < scores.length; i++) {
      showcase.add("image" + i, scores[i], i);
    }
    return showcase;
  }

  @Test
  void aThirdEachIsForTheWorstTheBestAndTheFirst() {
    Showcase<Integer> showcase = of(6, 0.5, 0.6, 0.1, 0.9, 0.2, 0.8, 0.7, 0.3);
    assertThat(showcase.shown()).extracting(Shown::value).containsExactly(2, 4, 3, 5, 0, 1);
    assertThat(showcase.shown())
        .extracting(Shown::why)
        .containsExactly(Why.WORST, Why.WORST, Why.BEST, Why.BEST, Why.FIRST, Why.FIRST);
  }

  @Test
  void noImageIsShownTwiceAndPlacesAreFilledFromTheList() {
    assertThat(of(6, 0.1, 0.9, 0.5, 0.6, 0.4, 0.7).shown())
        .extracting(Shown::value)
        .containsExactly(0, 4, 1, 5, 2, 3);
  }

  @Test
  void ofAFewImagesNotAllAreTheWorst() {
    assertThat(of(24, 0.3, 0.2, 0.1).shown())
        .extracting(Shown::why)
        .containsExactly(Why.WORST, Why.BEST, Why.FIRST);
    assertThat(of(24, 0.3, 0.2).shown()).extracting(Shown::why).containsOnly(Why.FIRST);
  }

  @Test
  void imagesWithoutAScoreAreShownInTheListsOrder() {
    assertThat(of(2, Double.NaN, Double.NaN, Double.NaN).shown())
        .extracting(Shown::value)
        .containsExactly(0, 1);
    assertThat(of(0, 0.5).shown()).isEmpty();
  }

  @Test
  void ofEqualScoresTheEarlierImagesAreShown() {
    assertThat(of(3, 0.5, 0.5, 0.5, 0.5).shown()).extracting(Shown::value).containsExactly(0, 1, 2);
  }
}
