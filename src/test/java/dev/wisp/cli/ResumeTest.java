package dev.wisp.cli;

import static dev.wisp.cli.CliSupport.TINY;
import static dev.wisp.cli.CliSupport.wisp;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ResumeTest {
  @TempDir static Path folder;
  private static Path data = Path.of("");
  private static Path encoder = Path.of("");
  private static byte[] uninterrupted = new byte[0];

  @BeforeAll
  static void trainWithoutInterruption() throws IOException {
    data = CliSupport.dataset(folder.resolve("data"));
    Path pretrain = folder.resolve("pretrain");
    wisp(TINY, "pretrain", "--data=" + data, "--run=" + pretrain, "--threads=1").ok();
    encoder = finalWeights(pretrain);
    uninterrupted = train("whole");
  }

  private static Path finalWeights(Path run) {
    return run.resolve("checkpoints/final.safetensors");
  }

  private static List<String> command(String run) {
    List<String> command =
        new ArrayList<>(
            List.of(
                "train",
                "--data=" + data,
                "--weights=" + encoder,
                "--run=" + folder.resolve(run),
                "--threads=" + (run.equals("threads") ? 2 : 1),
                "--val-list=val",
                "--select-with-masks"));
    command.addAll(TINY);
    return command;
  }

  private static byte[] train(String run, String... more) throws IOException {
    wisp(List.of(more), command(run).toArray(String[]::new)).ok();
    return Files.readAllBytes(finalWeights(folder.resolve(run)));
  }

  @Test
  void theSameSeedGivesTheSameBitsAndAnotherDoesNot() throws IOException {
    assertThat(train("again")).isEqualTo(uninterrupted);
    assertThat(train("other", "--seed=99")).isNotEqualTo(uninterrupted);
  }

  /** Sums of the convolutions are split by threads: the last bits may differ, no more. */
  @Test
  void anotherThreadCountGivesTheSameLossesWithinOnePartInTenThousand() throws IOException {
    train("threads");
    List<Double> one = losses("whole");
    List<Double> two = losses("threads");
    assertThat(two).hasSameSizeAs(one);
    for (int step = 0; step < one.size(); step++) {
      assertThat(two.get(step)).isCloseTo(one.get(step), withinPercentage(0.01));
    }
  }

  private static List<Double> losses(String run) throws IOException {
    return Files.readAllLines(folder.resolve(run).resolve("metrics.jsonl")).stream()
        .map(line -> Double.valueOf(line.replaceAll(".*\"loss\":([^,]*),.*", "$1")))
        .toList();
  }

  @Test
  void aRunThatWasKilledTwiceEndsWithTheSameBits() throws IOException {
    Path run = folder.resolve("killed");
    trainUntilKilled("killed", 1);
    assertThat(finalWeights(run)).doesNotExist();
    trainUntilKilled("killed", 3, "--resume");
    assertThat(finalWeights(run)).doesNotExist();
    assertThat(train("killed", "--resume")).isEqualTo(uninterrupted);
    assertThat(withoutTimes(run)).isEqualTo(withoutTimes(folder.resolve("whole")));
    assertThat(Files.readAllBytes(run.resolve("checkpoints/best.safetensors")))
        .isEqualTo(Files.readAllBytes(folder.resolve("whole/checkpoints/best.safetensors")));
  }

  @Test
  void resumingAFinishedRunChangesNothing() throws IOException {
    train("finished");
    assertThat(train("finished", "--resume")).isEqualTo(uninterrupted);
  }

  @Test
  void aDamagedCheckpointIsNamedAndTheOneBeforeLeadsToTheSameBits() throws IOException {
    train("damaged");
    Path run = folder.resolve("damaged");
    Path newest = run.resolve("checkpoints/step-0000000006.safetensors");
    byte[] bytes = Files.readAllBytes(newest);
    bytes[bytes.length / 2] ^= 4;
    Files.write(newest, bytes);
    Files.delete(finalWeights(run));
    List<String> command = command("damaged");
    assertThat(wisp(List.of("--resume"), command.toArray(String[]::new)).error())
        .contains("step-0000000006.safetensors")
        .contains("--accept-older");
    assertThat(train("damaged", "--resume", "--accept-older")).isEqualTo(uninterrupted);
  }

  /** All metrics but how fast they came. */
  private static List<String> withoutTimes(Path run) throws IOException {
    return Files.readAllLines(run.resolve("metrics.jsonl")).stream()
        .map(line -> line.replaceAll("\"imagesPerSecond\":[^,}]*", ""))
        .toList();
  }

  /** Starts the command in a process of its own and kills it hard after some epochs. */
  private static void trainUntilKilled(String run, int epochs, String... more) throws IOException {
    List<String> line = new ArrayList<>(command(run));
    line.addAll(List.of(more));
    Process process = CliSupport.process(line).redirectErrorStream(true).start();
    StringBuilder said = new StringBuilder();
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      int seen = 0;
      for (String text = lines.readLine(); text != null; text = lines.readLine()) {
        said.append(text).append('\n');
        if (text.startsWith("train: epoch") && ++seen == epochs) {
          break;
        }
      }
      assertThat(seen).as(said.toString()).isEqualTo(epochs);
    } finally {
      process.destroyForcibly().onExit().join();
    }
  }
}
