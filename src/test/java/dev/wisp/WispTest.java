package dev.wisp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.common.WispException;
import dev.wisp.io.Image;
import dev.wisp.io.ImageCodec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WispTest {
  private static final List<String> CLASSES = List.of("a", "b", "c", "d", "e");

  @TempDir private static Path folder;
  private static Path weights;

  @BeforeAll
  static void writeWeights() {
    weights = TinyNetwork.weights(folder.resolve("weights.safetensors"));
  }

  private static Wisp.Builder demo() {
    return Wisp.builder().setWeights(weights).optRecipe("demo").optClasses(CLASSES).optThreads(1);
  }

  private static Image picture(int width, int height) {
    byte[] rgb = new byte[width * height * 3];
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) (i * 31 % 251);
    }
    return new Image(width, height, rgb);
  }

  // The example of the README; keep it equal to it.
  @Test
  void anImageFileIsLabelledInTenLines() {
    Path photo = folder.resolve("photo.png");
    ImageCodec.writePng(photo, picture(61, 47));
    try (Wisp wisp = demo().build()) {
      PseudoLabel label = wisp.label(photo, Set.of("b", "d"));
      assertThat(label.width()).isEqualTo(61);
      assertThat(label.height()).isEqualTo(47);
      assertThat(label.maps()).containsOnlyKeys("background", "b", "d");
      for (byte id : label.ids()) {
        assertThat(id).isIn((byte) 0, (byte) 2, (byte) 4);
      }
    }
  }

  @Test
  void severalThreadsGetTheSameLabel() throws Exception {
    Image image = picture(53, 40);
    try (Wisp wisp = demo().build();
        var pool = Executors.newFixedThreadPool(3)) {
      byte[] expected = wisp.label(image, Set.of("a")).ids();
      var results =
          IntStream.range(0, 6)
              .mapToObj(i -> pool.submit(() -> wisp.label(image, Set.of("a")).ids()))
              .toList();
      for (var result : results) {
        assertThat(result.get()).isEqualTo(expected);
      }
    }
  }

  @Test
  void anImageWithoutClassesIsBackground() {
    try (Wisp wisp = demo().build()) {
      PseudoLabel label = wisp.label(picture(32, 32), Set.of());
      assertThat(label.ids()).containsOnly(0);
      assertThat(label.maps()).containsOnlyKeys("background");
    }
  }

  @Test
  void anUnknownClassAndAMissingFileAreNamed() {
    try (Wisp wisp = demo().build()) {
      assertThatThrownBy(() -> wisp.label(picture(32, 32), Set.of("zebra")))
          .isInstanceOf(WispException.class)
          .hasMessageContaining("'zebra'")
          .hasMessageContaining("a, b, c, d, e");
      assertThatThrownBy(() -> wisp.label(folder.resolve("none.jpg"), Set.of()))
          .isInstanceOf(WispException.class)
          .hasMessageContaining("none.jpg");
      assertThatThrownBy(() -> label0(wisp).id(32, 0))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  private static PseudoLabel label0(Wisp wisp) {
    return wisp.label(picture(32, 32), Set.of());
  }

  @Test
  void whatTheBuilderLacksOrCannotUseIsSaid() throws Exception {
    assertThatThrownBy(() -> Wisp.builder().build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("setWeights");
    assertThatThrownBy(
            () -> Wisp.builder().setWeights(weights).optRecipe("demo").optThreads(1).build())
        .isInstanceOf(WispException.class)
        .hasMessageContaining("names no classes");
    Path damaged = folder.resolve("damaged.safetensors");
    Files.write(damaged, new byte[] {1, 2, 3});
    assertThatThrownBy(() -> Wisp.builder().setWeights(damaged).build())
        .isInstanceOf(WispException.class)
        .hasMessageContaining("damaged.safetensors");
    assertThatThrownBy(() -> demo().optClasses(List.of("a", "b")).build())
        .isInstanceOf(WispException.class)
        .hasMessageContaining("classifier.weight");
    assertThatThrownBy(() -> demo().optDevice("abacus").build())
        .isInstanceOf(WispException.class)
        .hasMessageContaining("abacus");
  }

  @Test
  void aClosedEngineRefusesPolitely() {
    Wisp wisp = demo().build();
    wisp.close();
    wisp.close();
    assertThatThrownBy(() -> wisp.label(picture(32, 32), Set.of()))
        .isInstanceOf(IllegalStateException.class);
  }
}
