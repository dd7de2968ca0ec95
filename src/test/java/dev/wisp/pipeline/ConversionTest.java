package dev.wisp.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.common.WispException;
import dev.wisp.io.Safetensors;
import dev.wisp.io.TensorEntry;
import dev.wisp.io.TensorFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConversionTest {
  @TempDir Path folder;

  @Test
  void weightsSurviveTheWayToTorchAndBack() throws IOException {
    Path first = folder.resolve("first.safetensors");
    Safetensors.write(
        first,
        List.of(
            TensorEntry.ofFloats(
                "layer.weight", new long[] {2, 3}, new float[] {1, -2, 3.5f, 0, 1e-30f, 7}),
            TensorEntry.ofFloats("empty", new long[] {0, 4}, new float[0]),
            TensorEntry.ofLongs("count", new long[0], new long[] {1L << 40})),
        Map.of("note", "kept by safetensors"));
    Path torch = folder.resolve("weights.pth");
    Path back = folder.resolve("back.safetensors");
    assertThat(Conversion.run(first, torch, false)).isEqualTo(3);
    assertThat(Conversion.run(torch, back, false)).isEqualTo(3);
    for (Path file : List.of(torch, back)) {
      try (TensorFile read = Weights.open(file)) {
        assertThat(read.names()).containsExactlyInAnyOrder("layer.weight", "empty", "count");
        assertThat(read.floats("layer.weight")).containsExactly(1, -2, 3.5f, 0, 1e-30f, 7);
        assertThat(read.shape("layer.weight")).containsExactly(2, 3);
        assertThat(read.shape("empty")).containsExactly(0, 4);
        assertThat(read.longs("count")).containsExactly(1L << 40);
      }
    }
    Path again = folder.resolve("again.pth");
    Conversion.run(first, again, false);
    assertThat(Files.readAllBytes(again)).isEqualTo(Files.readAllBytes(torch));
  }

  @Test
  void anExistingTargetIsKeptUnlessForced() throws IOException {
    Path first = folder.resolve("first.safetensors");
    Safetensors.write(
        first, List.of(TensorEntry.ofFloats("a", new long[] {1}, new float[] {1})), Map.of());
    Path target = Files.writeString(folder.resolve("target.npz"), "mine");
    assertThatThrownBy(() -> Conversion.run(first, target, false))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("--force");
    assertThat(target).hasContent("mine");
    assertThat(Conversion.run(first, target, true)).isEqualTo(1);
  }
}
