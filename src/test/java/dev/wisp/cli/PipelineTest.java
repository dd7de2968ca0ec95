package dev.wisp.cli;

import static dev.wisp.cli.CliSupport.wisp;
import static org.assertj.core.api.Assertions.assertThat;

import dev.wisp.backend.Backend;
import dev.wisp.pipeline.Devices;
import dev.wisp.pipeline.Pipeline;
import dev.wisp.pipeline.Progress;
import dev.wisp.pipeline.Recipes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** All stages of {@code wisp pipeline} on four tiny images. */
class PipelineTest {
  private static final List<String> STAGES =
      List.of(
          "pretrain",
          "train",
          "label",
          "crf",
          "irn-labels",
          "irn-train",
          "irn",
          "deeplab-train",
          "deeplab",
          "evaluate",
          "showcase");

  private static final List<String> VALUES =
      Stream.concat(
              CliSupport.TINY.stream().filter(option -> option.startsWith("--set=")),
              Stream.of(
                  "--set=training.epochs=2",
                  "--set=labelling.scales=[1.0]",
                  "--set=irn.epochs=2",
                  "--set=irn.batch=2",
                  "--set=irn.crop=48",
                  "--set=irn.checkpointEvery=1",
                  "--set=segmentation.steps=3",
                  "--set=segmentation.batch=2",
                  "--set=segmentation.crop=48",
                  "--set=segmentation.checkpointEvery=1"))
          .toList();

  @TempDir static Path folder;
  private static Path data = Path.of("");

  @BeforeAll
  static void runAllStages() {
    data = CliSupport.dataset(folder.resolve("data"));
    CliSupport.Outcome outcome = run("whole").ok();
    for (String stage : STAGES) {
      assertThat(outcome.out()).containsPattern(stage + " +done");
    }
  }

  private static CliSupport.Outcome run(String run, String... more) {
    return wisp(List.of(more), command(run).toArray(String[]::new));
  }

  private static List<String> command(String run) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "pipeline",
                "recipes/smoke.yaml",
                "--run=" + folder.resolve(run),
                "--data=" + data,
                "--threads=1"));
    arguments.addAll(VALUES);
    return arguments;
  }

  /** Weights, maps, labels and scores, by path. */
  private static Map<String, String> results(String run) throws IOException {
    Map<String, String> results = new TreeMap<>();
    Path root = folder.resolve(run);
    try (Stream<Path> files = Files.walk(root)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        String name = root.relativize(file).toString();
        if (name.matches(".*/(final\\.safetensors|[^/]+\\.npz|[^/]+\\.png|scores\\.json)")) {
          results.put(name, HexFormat.of().formatHex(Files.readAllBytes(file)));
        }
      }
    }
    assertThat(results).hasSizeGreaterThan(20);
    return results;
  }

  @Test
  void aSecondRunDoesNothingAndTheReportShowsEveryStage() throws IOException {
    String out = run("whole").ok().out();
    for (String stage : STAGES) {
      assertThat(out).containsPattern(stage + " +up to date");
    }
    assertThat(Files.readString(folder.resolve("whole/report.html")))
        .contains("AE-IS-CAM")
        .contains("IRN")
        .contains("Prediction")
        .containsPattern("DeepLabV3</th><td[^>]*>[0-9.]+</td><td[^>]*>[0-9.]+ - [0-9.]+<");
  }

  @Test
  void aChangedValueRedoesOnlyWhatDependsOnIt() throws IOException {
    run("changed").ok();
    String out = run("changed", "--set=segmentation.steps=4").ok().out();
    for (String stage : STAGES) {
      boolean later = List.of("deeplab-train", "deeplab", "showcase").contains(stage);
      assertThat(out)
          .containsPattern(
              stage + (later ? " +done" : stage.equals("evaluate") ? " +" : " +up to date"));
    }
  }

  /** Stops a run after some images, as if its process had been killed between two files. */
  private static final class Killer implements Progress {
    private int left;

    Killer(int left) {
      this.left = left;
    }

    @Override
    public void begin(String task, long done, long total) {}

    @Override
    public void advance(long done, String note) {
      if (--left < 0) {
        throw new IllegalStateException("killed");
      }
    }

    @Override
    public void end() {}
  }

  @Test
  void aRunStoppedAgainAndAgainEndsWithTheSameBits() throws IOException {
    List<String> overrides =
        VALUES.stream().map(option -> option.substring("--set=".length())).toList();
    Pipeline.Request request =
        new Pipeline.Request(
            folder.resolve("stopped"),
            Recipes.load("recipes/smoke.yaml", overrides),
            Optional.of(data),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty());
    int stops = 0;
    for (boolean ended = false; !ended; stops++) {
      try (Backend backend = Devices.open("cpu", 1)) {
        Pipeline.run(List.of(backend), request, new Killer(2 + stops), stage -> {});
        ended = true;
      } catch (IllegalStateException killed) {
        assertThat(killed).hasMessageContaining("killed");
      }
      assertThat(stops).isLessThan(100);
    }
    assertThat(stops).isGreaterThan(5);
    assertThat(results("stopped")).isEqualTo(results("whole"));
  }

  @Test
  void aProcessKilledAtAnyMomentEndsWithTheSameBitsWhenItIsRunAgain() throws Exception {
    Path log = folder.resolve("killed.log");
    int kills = 0;
    for (boolean ended = false; !ended; ) {
      Process process =
          CliSupport.process(command("killed"))
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
      // Processor time, so that a busy machine changes little. Each attempt gets more, so that one
      // ends; where the others are cut is chance.
      double limit = 1.5 * Math.pow(1.4, kills);
      while (!ended && seconds(process) < limit) {
        ended = process.waitFor(10, TimeUnit.MILLISECONDS);
      }
      if (ended) {
        assertThat(process.exitValue()).as(Files.readString(log)).isZero();
      } else {
        process.destroyForcibly().onExit().join();
        kills++;
      }
    }
    assertThat(kills).isPositive();
    assertThat(results("killed")).isEqualTo(results("whole"));
  }

  /** Processor time a process has taken. */
  private static double seconds(Process process) {
    return process.info().totalCpuDuration().orElse(Duration.ZERO).toNanos() * 1e-9;
  }

  @Test
  void aStageWithoutItsInputNamesTheStageThatMakesIt() {
    assertThat(run("empty", "--only=irn-train").error())
        .contains("irn-train needs")
        .contains("run that stage first");
    assertThat(run("empty", "--only=colour").error()).contains("--only is colour").contains("irn");
  }

  @Test
  void aDamagedFileIsRefusedByNameAndARemovedOneIsMadeAgain() throws IOException {
    run("damaged").ok();
    Path label = folder.resolve("damaged/label/labels/train_000001.png");
    byte[] whole = Files.readAllBytes(label);
    byte[] damaged = whole.clone();
    damaged[whole.length / 2] ^= 4;
    Files.write(label, damaged);
    Files.setLastModifiedTime(label, FileTime.fromMillis(1_000_000));
    assertThat(run("damaged").error()).contains("train_000001.png").contains("stage 'label'");
    Files.delete(label);
    assertThat(run("damaged").ok().out())
        .containsPattern("label +resumed")
        .containsPattern("crf +up to date");
    assertThat(Files.readAllBytes(label)).isEqualTo(whole);
  }

  @Test
  void whatARecipeNeedsAndNobodyGaveIsNamed() {
    assertThat(wisp("pipeline", "paper", "--run=" + folder.resolve("none")).error())
        .contains("--data");
    assertThat(
            wisp("pipeline", "paper", "--run=" + folder.resolve("none"), "--data=" + data).error())
        .contains("resnet101")
        .contains("--weights");
    assertThat(wisp("pipeline", "no-recipe.yaml").error()).contains("no-recipe.yaml");
  }

  @Test
  void aFolderOfAnotherCommandIsRefused() {
    assertThat(run("whole/train").error()).contains("holds a run of another command");
  }

  @Test
  void aFolderWithOtherFilesIsRefusedAndKeptAsItIs() throws IOException {
    Path precious = folder.resolve("mine/train/notes.txt");
    Files.createDirectories(precious.getParent());
    Files.writeString(precious, "two years of work");
    assertThat(run("mine").error()).contains("mine: holds files and no pipeline's run");
    assertThat(precious).content().isEqualTo("two years of work");
  }
}
