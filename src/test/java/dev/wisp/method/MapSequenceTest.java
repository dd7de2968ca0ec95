package dev.wisp.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.common.WispException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MapSequenceTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "pr,is",
        "pr,is,pr,is",
        "pr,is,pr,is,pamr,pr,is",
        "pr,is,pamr,pr,is,pr,is",
        "pr,is,pamr,pr,is"
      })
  void thePapersSequencesAreRead(String text) {
    assertThat(MapSequence.parse(text)).hasToString(text);
    assertThat(MapSequence.parse(text.replace(",", " , "))).hasToString(text);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "pr",
        "is",
        "pr,pr,is",
        "pr,is,pamr",
        "pr,is,is",
        "pamr,pr,is",
        "pr,pamr,is",
        "pr,is,pamr,pamr,pr,is",
        "pr,is,",
        "PR,IS",
        "pr;is"
      })
  void anyOtherSequenceIsRefusedInOneLine(String text) {
    assertThatThrownBy(() -> MapSequence.parse(text))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("sequence '")
        .hasMessageNotContaining("\n");
  }
}
