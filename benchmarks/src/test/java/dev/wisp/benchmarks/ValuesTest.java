package dev.wisp.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A comparison that accepts anything would make every ratio worthless. */
class ValuesTest {
  private static Map<String, float[]> maps(float... values) {
    return Map.of("maps", values);
  }

  @Test
  void valuesWithinTheToleranceAreEqual() {
    assertThat(Values.compare(Task.PAMR, maps(1, 0.5f), maps(1, 0.50001f))).contains("pamr");
  }

  @Test
  void valuesOutsideTheToleranceAreRefused() {
    assertThatThrownBy(() -> Values.compare(Task.PAMR, maps(1, 0.5f), maps(1, 0.5001f)))
        .hasMessageContaining("do not compute the same");
  }

  @Test
  void valuesThatAreNotNumbersAreRefused() {
    assertThatThrownBy(() -> Values.compare(Task.PAMR, maps(1, 1, 1), maps(1, Float.NaN, 1)))
        .hasMessageContaining("DIFFERENT");
    assertThatThrownBy(() -> Values.compare(Task.PAMR, maps(Float.NaN, 1), maps(1, 1)))
        .hasMessageContaining("DIFFERENT");
  }

  @Test
  void nothingButZerosIsRefused() {
    assertThatThrownBy(() -> Values.compare(Task.PAMR, maps(0, 0), maps(0, 0)))
        .hasMessageContaining("DIFFERENT");
  }

  @Test
  void anotherLengthOrAnotherNameIsRefused() {
    assertThatThrownBy(() -> Values.compare(Task.PAMR, maps(1, 1), maps(1)))
        .hasMessageContaining("DIFFERENT");
    assertThatThrownBy(() -> Values.compare(Task.PAMR, maps(1), Map.of("seeds", new float[] {1})))
        .hasMessageContaining("libtorch computed [maps], wisp [seeds]");
  }

  @Test
  void seedsMayDifferInOneOfAThousandPositions() {
    float[] seeds = new float[1000];
    java.util.Arrays.fill(seeds, 1);
    float[] other = seeds.clone();
    other[7] = 0;
    assertThat(Values.compare(Task.STRUCTURE, Map.of("seeds", seeds), Map.of("seeds", other)))
        .contains("share differing");
    other[8] = 0;
    assertThatThrownBy(
            () -> Values.compare(Task.STRUCTURE, Map.of("seeds", seeds), Map.of("seeds", other)))
        .hasMessageContaining("DIFFERENT");
  }

  @Test
  void whatIsWrittenIsReadBack(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("a.values");
    Values.write(file, Map.of("maps", new float[] {1, -0.0f, 3.5f}, "seeds", new float[] {2}));
    Map<String, float[]> read = Values.read(file);
    assertThat(read.keySet()).containsExactly("maps", "seeds");
    assertThat(read.get("maps")).containsExactly(1, -0.0f, 3.5f);
  }
}
