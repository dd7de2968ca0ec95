package dev.wisp.data.synth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.common.WispException;
import dev.wisp.data.Dataset;
import dev.wisp.data.Datasets;
import dev.wisp.data.Sample;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SynthDatasetTest {
  private static final SynthOptions OPTIONS = new SynthOptions(48, 6, 4, 5, 11);

  @TempDir Path folder;

  @Test
  void theFolderOpensAsADatasetWhoseLabelsAreTheClassesOfItsMasks() {
    SynthDataset.write(OPTIONS, folder.resolve("a"));
    Dataset train = Datasets.open(folder.resolve("a"), "train");
    Dataset scored = Datasets.open(folder.resolve("a"), "val");
    assertThat(train.samples()).hasSize(6);
    assertThat(scored.samples()).hasSize(4);
    assertThat(train.classNames()).hasSize(5);
    for (Sample sample : scored.samples()) {
      assertThat(scored.image(sample).width()).isEqualTo(48);
      TreeSet<Integer> inMask = new TreeSet<>();
      for (byte id : scored.mask(sample).index()) {
        inMask.add((int) id);
      }
      inMask.remove(0);
      assertThat(sample.classes())
          .containsExactly(inMask.stream().mapToInt(Integer::intValue).toArray());
    }
  }

  @Test
  void twoFoldersOfOneSeedHoldTheSameBytes() throws IOException {
    SynthDataset.write(OPTIONS, folder.resolve("a"));
    SynthDataset.write(OPTIONS, folder.resolve("b"));
    try (var files = Files.walk(folder.resolve("a"))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Path other = folder.resolve("b").resolve(folder.resolve("a").relativize(file));
        assertThat(Files.mismatch(file, other)).as(file.toString()).isEqualTo(-1);
      }
    }
  }

  @Test
  void aDatasetIsNotOverwritten() {
    SynthDataset.write(OPTIONS, folder.resolve("a"));
    assertThatThrownBy(() -> SynthDataset.write(OPTIONS, folder.resolve("a")))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("holds a dataset already");
  }
}
