package dev.wisp.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class ShapeTest {
  @Test
  void aShapeCountsItsElementsAndMayBeEmpty() {
    assertThat(Shape.of(2, 3, 5).elements()).isEqualTo(30);
    assertThat(Shape.of(2, 0, 5).elements()).isZero();
    assertThat(Shape.of().elements()).isEqualTo(1);
    assertThat(Shape.of(4, 7).size(-1)).isEqualTo(7);
  }

  @Test
  void negativeAndOverflowingSizesAreRefused() {
    assertThatThrownBy(() -> Shape.of(2, -1)).hasMessageContaining("[2, -1]");
    assertThatThrownBy(() -> Shape.of(Long.MAX_VALUE, 2)).hasMessageContaining("fit a long");
  }
}
