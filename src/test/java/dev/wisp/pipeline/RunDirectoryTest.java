package dev.wisp.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.common.WispException;
import dev.wisp.pipeline.RunDirectory.Existing;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunDirectoryTest {
  @TempDir Path temporary;

  private final Recipe recipe = Recipes.load("demo", List.of());

  @Test
  void aRunIsNeitherOverwrittenNorTakenTwice() {
    Path run = temporary.resolve("run");
    try (RunDirectory held = RunDirectory.open(run, recipe, Existing.REFUSE)) {
      assertThat(RunDirectory.recipe(held.folder())).isEqualTo(recipe);
      refused(run, recipe, Existing.RESUME, "another process");
    }
    refused(run, recipe, Existing.REFUSE, "--resume");
    RunDirectory.open(run, recipe, Existing.RESUME).close();
    refused(temporary.resolve("none"), recipe, Existing.RESUME, "leave out --resume");
    Recipe other = Recipes.with(recipe, List.of("training.batch=7"));
    refused(run, other, Existing.RESUME, "batch: 16");
  }

  @Test
  void aRunStoppedBeforeItWroteAnythingResumesFromTheStart() throws IOException {
    Path run = Files.createDirectories(temporary.resolve("early"));
    RunDirectory.open(run, recipe, Existing.RESUME).close();
    assertThat(RunDirectory.recipe(run)).isEqualTo(recipe);
  }

  @Test
  void replacingDeletesTheRunAndNothingElse() throws IOException {
    Path run = temporary.resolve("run");
    RunDirectory.open(run, recipe, Existing.REFUSE).close();
    Files.createDirectories(run.resolve("checkpoints"));
    Files.writeString(run.resolve("checkpoints/step-0000000001.safetensors"), "x");
    Files.writeString(run.resolve("notes.txt"), "mine");
    RunDirectory.open(run, recipe, Existing.REPLACE).close();
    assertThat(run.resolve("checkpoints")).doesNotExist();
    assertThat(run.resolve("notes.txt")).hasContent("mine");
  }

  @Test
  void aFileInTheFoldersPlaceIsNamed() throws IOException {
    Path file = Files.writeString(temporary.resolve("file"), "");
    refused(file, recipe, Existing.REFUSE, "is a file");
  }

  @Test
  void theTwoNewestCheckpointsStayAndReadBackEqual() {
    CheckpointFolder folder = new CheckpointFolder(temporary);
    assertThat(folder.newest(false)).isEmpty();
    for (int step = 1; step <= 3; step++) {
      folder.add(step, checkpoint(step));
    }
    assertThat(temporary.toFile().list())
        .containsExactlyInAnyOrder("step-0000000002.safetensors", "step-0000000003.safetensors");
    Checkpoint newest = folder.newest(false).orElseThrow();
    assertThat(newest.text()).containsEntry("step", "3");
    assertThat(newest.value("b").elements()).containsExactly(Float.NaN, 3);
    assertThat(newest.value("a").shape()).containsExactly(0, 4);
  }

  @Test
  void aDamagedCheckpointIsNamedAndTheOlderOneTakenOnlyWhenAskedFor() throws IOException {
    CheckpointFolder folder = new CheckpointFolder(temporary);
    folder.add(1, checkpoint(1));
    folder.add(2, checkpoint(2));
    Path newest = temporary.resolve("step-0000000002.safetensors");
    byte[] whole = Files.readAllBytes(newest);
    byte[] flipped = whole.clone();
    flipped[flipped.length - 1] ^= 1;
    byte[] cut = java.util.Arrays.copyOf(whole, whole.length - 3);
    for (byte[] damaged : List.of(flipped, cut, new byte[0])) {
      Files.write(newest, damaged);
      assertThatThrownBy(() -> folder.newest(false))
          .isInstanceOf(WispException.class)
          .message()
          .contains("step-0000000002.safetensors")
          .contains("--accept-older")
          .doesNotContain("\n");
      Checkpoint older = folder.newest(true).orElseThrow();
      assertThat(older.text()).containsEntry("step", "1");
    }
    Files.write(temporary.resolve("step-0000000001.safetensors"), new byte[3]);
    assertThatThrownBy(() -> folder.newest(true)).hasMessageContaining("--force");
  }

  private static Checkpoint checkpoint(int step) {
    return new Checkpoint(
        Map.of(
            "a", new Checkpoint.Value(new long[] {0, 4}, new float[0]),
            "b", new Checkpoint.Value(new long[] {2}, new float[] {Float.NaN, step})),
        Map.of("step", Integer.toString(step)));
  }

  private static void refused(Path run, Recipe recipe, Existing existing, String expected) {
    assertThatThrownBy(() -> RunDirectory.open(run, recipe, existing))
        .isInstanceOf(WispException.class)
        .message()
        .contains(expected)
        .doesNotContain("\n");
  }
}
