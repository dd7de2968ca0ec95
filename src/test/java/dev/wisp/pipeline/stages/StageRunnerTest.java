package dev.wisp.pipeline.stages;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.common.WispException;
import dev.wisp.io.AtomicFiles;
import dev.wisp.io.FileErrors;
import dev.wisp.pipeline.stages.StageRunner.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StageRunnerTest {
  @TempDir Path run;

  private final List<String> calls = new ArrayList<>();
  private String text = "text";
  private String weights = "weights-1";
  private String settings = "a: 1";
  private boolean killed;

  /** {@code first} writes two files of the text, {@code second} the length of one of them. */
  private StageRunner runner() {
    Stage first =
        new Stage(
            "first",
            settings,
            Map.of(),
            Map.of("weights", () -> weights),
            List.of("out"),
            resume -> {
              calls.add("first" + (resume ? " resumed" : ""));
              AtomicFiles.writeString(run.resolve("first/out/a.txt"), text);
              if (killed) {
                throw new IllegalStateException("killed");
              }
              AtomicFiles.writeString(run.resolve("first/out/b.txt"), text + text);
              return Map.of("image7", "is damaged");
            });
    Stage second =
        new Stage(
            "second",
            "",
            Map.of("first", "the texts"),
            Map.of(),
            List.of("length.txt"),
            resume -> {
              calls.add("second");
              AtomicFiles.writeString(
                  run.resolve("second/length.txt"), "" + read("first/out/a.txt").length());
              return Map.of();
            });
    return new StageRunner(run, List.of(first, second), () -> Map.of("device", "none"));
  }

  private String read(String file) {
    try {
      return Files.readString(run.resolve(file));
    } catch (IOException e) {
      throw FileErrors.reading(run.resolve(file), e);
    }
  }

  private List<Outcome> runBoth() {
    calls.clear();
    StageRunner runner = runner();
    return List.of(runner.run("first").outcome(), runner.run("second").outcome());
  }

  @Test
  void whatIsUpToDateIsNotRunAgainAndStillTellsWhatItSkipped() {
    assertThat(runBoth()).containsExactly(Outcome.DONE, Outcome.DONE);
    assertThat(runBoth()).containsExactly(Outcome.UP_TO_DATE, Outcome.UP_TO_DATE);
    assertThat(calls).isEmpty();
    assertThat(runner().run("first").skipped()).containsExactly(Map.entry("image7", "is damaged"));
  }

  @Test
  void changedSettingsRedoAStageAndOthersOnlyIfItsFilesChanged() {
    runBoth();
    settings = "a: 2";
    assertThat(runBoth()).containsExactly(Outcome.DONE, Outcome.UP_TO_DATE);
    settings = "a: 3";
    text = "longer text";
    assertThat(runBoth()).containsExactly(Outcome.DONE, Outcome.DONE);
    assertThat(read("second/length.txt")).isEqualTo("11");
  }

  @Test
  void anotherInputFromOutsideRedoesAStageInAnEmptyFolder() throws IOException {
    runBoth();
    Files.writeString(run.resolve("first/left-over.txt"), "old");
    weights = "weights-2";
    assertThat(runBoth()).containsExactly(Outcome.DONE, Outcome.UP_TO_DATE);
    assertThat(run.resolve("first/left-over.txt")).doesNotExist();
  }

  @Test
  void anInterruptedStageGoesOnUnlessItsSettingsChangedMeanwhile() {
    killed = true;
    assertThatThrownBy(this::runBoth).hasMessage("killed");
    killed = false;
    assertThat(runBoth()).containsExactly(Outcome.RESUMED, Outcome.DONE);
    settings = "a: 2";
    killed = true;
    assertThatThrownBy(this::runBoth).hasMessage("killed");
    killed = false;
    settings = "a: 3";
    assertThat(runBoth()).containsExactly(Outcome.DONE, Outcome.UP_TO_DATE);
  }

  @Test
  void aStageWithoutItsInputNamesTheStageThatMakesIt() {
    assertThatThrownBy(() -> runner().run("second"))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("second needs the texts of stage 'first'");
    killed = true;
    assertThatThrownBy(() -> runner().run("first")).hasMessage("killed");
    assertThatThrownBy(() -> runner().run("second")).hasMessageContaining("which is not finished");
  }

  @Test
  void anUnknownStageIsRefusedWithTheKnownOnes() {
    assertThatThrownBy(() -> runner().run("third"))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("first, second");
  }

  @Test
  void aFileThatWasChangedIsRefusedByNameAndARemovedOneIsMadeAgain() throws IOException {
    runBoth();
    Path file = run.resolve("first/out/b.txt");
    byte[] good = Files.readAllBytes(file);
    byte[] damaged = good.clone();
    damaged[2] ^= 1;
    Files.write(file, damaged);
    Files.setLastModifiedTime(file, FileTime.fromMillis(12_345));
    assertThatThrownBy(this::runBoth)
        .isInstanceOf(WispException.class)
        .hasMessageContaining("b.txt")
        .hasMessageContaining("stage 'first'");
    Files.delete(file);
    assertThat(runBoth()).containsExactly(Outcome.RESUMED, Outcome.UP_TO_DATE);
    assertThat(Files.readAllBytes(file)).isEqualTo(good);
  }

  @Test
  void aCopyOfARunWithOtherFileTimesIsUpToDate() throws IOException {
    runBoth();
    Files.setLastModifiedTime(run.resolve("first/out/a.txt"), FileTime.fromMillis(12_345));
    assertThat(runBoth()).containsExactly(Outcome.UP_TO_DATE, Outcome.UP_TO_DATE);
  }

  @Test
  void aManifestOfAnotherVersionIsRefusedByName() throws IOException {
    runBoth();
    Path manifest = run.resolve("stages/first.json");
    Files.writeString(
        manifest, Files.readString(manifest).replace("\"format\" : 1", "\"format\" : 99"));
    assertThatThrownBy(this::runBoth)
        .isInstanceOf(WispException.class)
        .hasMessageContaining("first.json")
        .hasMessageContaining("another version");
  }

  @Test
  void aDamagedManifestIsRefusedByName() throws IOException {
    runBoth();
    Path manifest = run.resolve("stages/first.json");
    String whole = Files.readString(manifest);
    Files.writeString(manifest, whole.substring(0, whole.length() / 2));
    assertThatThrownBy(this::runBoth)
        .isInstanceOf(WispException.class)
        .hasMessageContaining("first.json")
        .hasMessageContaining("damaged");
  }

  @Test
  void filesWithoutAManifestAreNotTakenForAnAttemptThatGoesOn() throws IOException {
    runBoth();
    Files.delete(run.resolve("stages/first.json"));
    assertThat(runBoth().getFirst()).isEqualTo(Outcome.DONE);
  }
}
