package dev.wisp.cli;

import static dev.wisp.cli.CliSupport.TINY;
import static dev.wisp.cli.CliSupport.wisp;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.wisp.backend.Backend;
import dev.wisp.backend.cpu.CpuBackend;
import dev.wisp.backend.cpu.CpuOptions;
import dev.wisp.data.Datasets;
import dev.wisp.pipeline.Progress;
import dev.wisp.pipeline.Recipes;
import dev.wisp.pipeline.RunDirectory;
import dev.wisp.pipeline.Training;
import dev.wisp.tensor.WispOutOfMemory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Training that shares each batch among devices; two cpu backends stand for any two. */
class SharedTrainingTest {
  @TempDir static Path folder;
  private static Path data = Path.of("");
  private static Path encoder = Path.of("");

  @BeforeAll
  static void prepare() throws IOException {
    data = CliSupport.dataset(folder.resolve("data"));
    Path pretrain = folder.resolve("pretrain");
    wisp(TINY, "pretrain", "--data=" + data, "--run=" + pretrain, "--threads=1").ok();
    encoder = pretrain.resolve("checkpoints/final.safetensors");
    train("one", "cpu");
    train("two", "cpu,cpu");
  }

  private static CliSupport.Outcome command(String run, String devices, String... more) {
    List<String> options = new ArrayList<>(TINY);
    options.addAll(List.of(more));
    return wisp(
        options,
        "train",
        "--data=" + data,
        "--weights=" + encoder,
        "--run=" + folder.resolve(run),
        "--device=" + devices,
        "--threads=1");
  }

  private static byte[] train(String run, String devices, String... more) throws IOException {
    command(run, devices, more).ok();
    return weights(run);
  }

  private static byte[] weights(String run) throws IOException {
    return Files.readAllBytes(folder.resolve(run).resolve("checkpoints/final.safetensors"));
  }

  private static List<Double> losses(String run) throws IOException {
    return Files.readAllLines(folder.resolve(run).resolve("metrics.jsonl")).stream()
        .map(line -> Double.valueOf(line.replaceAll(".*\"loss\":([^,]*),.*", "$1")))
        .toList();
  }

  @Test
  void twoDevicesGiveTheLossesOfOneWithinOnePartInTenThousand() throws IOException {
    List<Double> one = losses("one");
    List<Double> two = losses("two");
    assertThat(two).hasSize(6).hasSameSizeAs(one);
    for (int step = 0; step < one.size(); step++) {
      assertThat(two.get(step)).isCloseTo(one.get(step), withinPercentage(0.01));
    }
  }

  @Test
  void theSameDevicesGiveTheSameBits() throws IOException {
    assertThat(train("again", "cpu,cpu")).isEqualTo(weights("two"));
  }

  @Test
  void aSharedRunContinuesToTheSameBits() throws IOException {
    train("stopped", "cpu,cpu");
    Path checkpoints = folder.resolve("stopped/checkpoints");
    Files.delete(checkpoints.resolve("final.safetensors"));
    Files.delete(checkpoints.resolve("step-0000000006.safetensors"));
    assertThat(train("stopped", "cpu,cpu", "--resume")).isEqualTo(weights("two"));
  }

  @Test
  void aBatchWithoutEqualSharesIsRefused() {
    assertThat(command("odd", "cpu,cpu", "--set=training.batch=3").error())
        .contains("a batch of 3 images has no equal shares for 2 devices")
        .contains("training.batch");
    assertThat(folder.resolve("odd")).doesNotExist();
  }

  @Test
  void anUnknownDeviceAmongSeveralIsNamed() {
    assertThat(command("unknown", "cpu,gpu").error()).contains("--device is gpu");
    assertThat(command("nothing", "cpu,").error()).contains("--device is ");
  }

  @Test
  void commandsThatUseOneDeviceSaySo() {
    assertThat(
            wisp("pretrain", "--data=" + data, "--run=" + folder.resolve("p"), "--device=cpu,cpu")
                .error())
        .contains("--device is cpu,cpu; several devices are for wisp train only");
  }

  @Test
  void whenOneDeviceHasNoMemoryTrainingEndsAndEverythingIsFreed() {
    try (Backend roomy = CpuBackend.open(CpuOptions.standard().withThreads(1));
        Backend tight =
            CpuBackend.open(CpuOptions.standard().withThreads(1).withLimitBytes(5 << 20))) {
      Training.Request request =
          new Training.Request(
              folder.resolve("tight"),
              Recipes.load(
                  "demo",
                  TINY.stream()
                      .filter(option -> option.startsWith("--set="))
                      .map(option -> option.substring("--set=".length()))
                      .toList()),
              RunDirectory.Existing.REFUSE,
              false,
              encoder,
              Datasets.open(data, "train"),
              null,
              false);
      assertThatThrownBy(() -> Training.run(List.of(roomy, tight), request, Progress.NONE))
          .isInstanceOf(WispOutOfMemory.class);
      assertThat(roomy.memoryStatistics().used()).isZero();
      assertThat(tight.memoryStatistics().used()).isZero();
    }
  }
}
