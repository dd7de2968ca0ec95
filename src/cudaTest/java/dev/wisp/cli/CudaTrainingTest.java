package dev.wisp.cli;

import static dev.wisp.cli.CliSupport.TINY;
import static dev.wisp.cli.CliSupport.wisp;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.wisp.backend.Backend;
import dev.wisp.backend.cuda.Referee;
import dev.wisp.data.Datasets;
import dev.wisp.io.ImageCodec;
import dev.wisp.pipeline.Devices;
import dev.wisp.pipeline.Progress;
import dev.wisp.pipeline.Recipes;
import dev.wisp.pipeline.RunDirectory;
import dev.wisp.pipeline.Training;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Training and labelling on pretend cards, and what becomes of a run whose card fails. */
class CudaTrainingTest {
  private static final String TWO_CARDS = "cuda:0,cuda:1";

  @TempDir static Path folder;
  private static Path data = Path.of("");
  private static Path encoder = Path.of("");

  @BeforeAll
  static void prepare() throws IOException {
    data = CliSupport.dataset(folder.resolve("data"));
    Path pretrain = folder.resolve("pretrain");
    wisp(TINY, "pretrain", "--data=" + data, "--run=" + pretrain, "--device=cpu", "--threads=1")
        .ok();
    encoder = pretrain.resolve("checkpoints/final.safetensors");
    train("cpu", "cpu");
    train("one", "cuda");
    train("two", TWO_CARDS);
  }

  @AfterEach
  void failNoMore() {
    Referee.fail("");
    Referee.restore();
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

  @ParameterizedTest
  @CsvSource({"cpu,one", "one,two"})
  void oneCardGivesTheLossesOfTheCpuAndTwoCardsThoseOfOne(String expected, String run)
      throws IOException {
    List<Double> known = losses(expected);
    List<Double> losses = losses(run);
    assertThat(losses).hasSize(6).hasSameSizeAs(known);
    for (int step = 0; step < known.size(); step++) {
      assertThat(losses.get(step)).isCloseTo(known.get(step), withinPercentage(0.1));
    }
  }

  @Test
  void theSameCardsGiveTheSameBits() throws IOException {
    assertThat(train("again", TWO_CARDS)).isEqualTo(weights("two"));
  }

  /** The losses part from float32's, the scale stays where it began, and both cards agree. */
  @Test
  void twoCardsTrainInMixedPrecisionAndContinueToTheSameBits() throws IOException {
    String cards = "cuda:0,cuda:2";
    String mixed = "--set=training.precision=mixed";
    byte[] whole = train("mixed", cards, mixed);
    assertThat(losses("mixed")).hasSize(6).isNotEqualTo(losses("two"));
    for (int step = 0; step < 6; step++) {
      assertThat(losses("mixed").get(step)).isCloseTo(losses("two").get(step), withinPercentage(2));
    }
    Path run = folder.resolve("mixed");
    assertThat(Files.readAllLines(run.resolve("metrics.jsonl")))
        .allMatch(line -> line.contains("\"gradientNorm\":"))
        .allMatch(line -> line.contains("\"lossScale\":65536"));
    byte[] last = Files.readAllBytes(run.resolve("checkpoints/step-0000000006.safetensors"));
    Files.delete(run.resolve("checkpoints/step-0000000006.safetensors"));
    Files.delete(run.resolve("checkpoints/final.safetensors"));
    assertThat(train("mixed", cards, mixed, "--resume")).isEqualTo(whole);
    assertThat(run.resolve("checkpoints/step-0000000006.safetensors")).hasBinaryContent(last);
  }

  /** Calls of the driver in the last two steps of a run. */
  private static Map<String, Long> calls(String run, String graphs) throws IOException {
    Map<String, String> before = new HashMap<>();
    Map<String, String> properties =
        Map.of("wisp.cuda.graphs", graphs, "wisp.cuda.cacheMb", "1024");
    properties.forEach((name, value) -> before.put(name, System.getProperty(name, "")));
    try {
      properties.forEach(System::setProperty);
      try (Devices.Group devices = Devices.openAll("cuda", 1)) {
        AtomicReference<Map<String, Long>> found = new AtomicReference<>(Map.of());
        Training.run(
            devices.backends(),
            request(run, List.of("training.checkpointEvery=100", "training.epochs=10")),
            new Counting(found));
        assertThat(devices.backends().getFirst().memoryStatistics().used()).isZero();
        return Objects.requireNonNull(found.get());
      }
    } finally {
      before.forEach(
          (name, value) -> {
            if (value.isEmpty()) {
              System.clearProperty(name);
            } else {
              System.setProperty(name, value);
            }
          });
    }
  }

  /** Counts from the eighth of ten steps of four images to the ninth. */
  private record Counting(AtomicReference<Map<String, Long>> calls) implements Progress {
    @Override
    public void begin(String task, long done, long total) {}

    @Override
    public void advance(long done, String note) {
      if (done == 32) {
        Referee.resetCounts();
      } else if (done == 36) {
        calls.set(Referee.calls());
      }
    }

    @Override
    public void end() {}
  }

  private static long of(Map<String, Long> calls, String... names) {
    return Stream.of(names).mapToLong(name -> calls.getOrDefault(name, 0L)).sum();
  }

  @Test
  void graphsSpareLaunchesAndAStepWaitsForTheCardOnceWithTheSameBits() throws IOException {
    Map<String, Long> plain = calls("plain", "off");
    Map<String, Long> graphs = calls("graphs", "on");
    assertThat(weights("graphs")).isEqualTo(weights("plain"));
    String[] launches = {"cuLaunchKernel", "softgpu_submit", "cuGraphLaunch"};
    assertThat(of(plain, "cuGraphLaunch")).isZero();
    assertThat(of(graphs, "cuGraphLaunch")).isPositive();
    assertThat(of(graphs, launches)).isLessThan(of(plain, launches) / 2);
    for (Map<String, Long> calls : List.of(plain, graphs)) {
      // The two losses and the norm, asked for one after the other when all is queued.
      assertThat(of(calls, "cuEventSynchronize")).isEqualTo(3);
      assertThat(of(calls, "cuStreamSynchronize")).isZero();
      assertThat(of(calls, "cuMemcpyDtoHAsync_v2")).isEqualTo(3);
    }
  }

  private static List<byte[]> labels(String device) throws IOException {
    Path out = folder.resolve("labels-" + device);
    wisp(
            "label",
            "--data=" + data,
            "--weights=" + folder.resolve("two/checkpoints/final.safetensors"),
            "--out=" + out,
            "--device=" + device,
            "--threads=1")
        .ok();
    List<byte[]> labels = new ArrayList<>();
    try (Stream<Path> files = Files.list(out.resolve("labels"))) {
      for (Path file : files.sorted().toList()) {
        labels.add(ImageCodec.readMask(file).index());
      }
    }
    return labels;
  }

  @Test
  void aCardLabelsAsTheCpuDoes() throws IOException {
    List<byte[]> expected = labels("cpu");
    List<byte[]> labels = labels("cuda");
    assertThat(labels).hasSize(4).hasSameSizeAs(expected);
    int pixels = 0;
    int different = 0;
    for (int image = 0; image < labels.size(); image++) {
      assertThat(labels.get(image)).hasSameSizeAs(expected.get(image));
      for (int i = 0; i < labels.get(image).length; i++) {
        pixels++;
        different += labels.get(image)[i] == expected.get(image)[i] ? 0 : 1;
      }
    }
    assertThat(different).isLessThanOrEqualTo(pixels / 1000);
  }

  private static Training.Request request(String run, List<String> more) {
    List<String> settings = new ArrayList<>();
    for (String option : TINY) {
      if (option.startsWith("--set=")) {
        settings.add(option.substring("--set=".length()));
      }
    }
    settings.addAll(more);
    return new Training.Request(
        folder.resolve(run),
        Recipes.load("demo", settings),
        RunDirectory.Existing.REFUSE,
        false,
        encoder,
        Datasets.open(data, "train"),
        null,
        false);
  }

  /** Lets a card fail after two steps, of which there are checkpoints. */
  private record Failing(String plan) implements Progress {
    @Override
    public void begin(String task, long done, long total) {}

    @Override
    public void advance(long done, String note) {
      if (done == 8) {
        Referee.fail(plan);
      }
    }

    @Override
    public void end() {}
  }

  /**
   * Allocations, which are tried twice, launches and gradients at the beginning, in the middle and
   * near the end of a step.
   */
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "cuda; alloc:1,alloc:1; lower training.batch",
        "cuda; alloc:150,alloc:150; lower training.batch",
        "cuda; lost:1; start it again",
        "cuda; lost:60; start it again",
        "cuda; lost:155; start it again",
        "cuda:0,cuda:1; alloc@0:100,alloc@0:100; lower training.batch",
        "cuda:0,cuda:1; alloc@1:150,alloc@1:150; lower training.batch",
        "cuda:0,cuda:1; launch@1:50; cuLaunchKernel",
        "cuda:0,cuda:1; lost@0:1; start it again",
        "cuda:0,cuda:1; lost@1:100; start it again",
        "cuda:0,cuda:1; lost@1:157; start it again",
        "cuda:0,cuda:1; nccl@0:1; ncclAllReduce",
        "cuda:0,cuda:1; nccl@1:40; ncclAllReduce",
      })
  void aCardThatFailsFreesEverythingAndTheRunContinuesToTheSameBits(
      String cards, String plan, String message) throws IOException {
    String run = "failed-" + plan.replaceAll("[^a-z0-9]", "") + cards.length();
    try (Devices.Group devices = Devices.openAll(cards, 1)) {
      Training.Request request = request(run, List.of());
      assertThatThrownBy(() -> Training.run(devices.backends(), request, new Failing(plan)))
          .hasMessageContaining(message)
          .hasMessageNotContaining("\n");
      for (Backend device : devices.backends()) {
        assertThat(device.memoryStatistics().used()).isZero();
      }
    }
    failNoMore();
    assertThat(losses(run)).hasSizeBetween(2, 5);
    assertThat(folder.resolve(run).resolve("checkpoints/final.safetensors")).doesNotExist();
    assertThat(train(run, cards, "--resume"))
        .isEqualTo(weights(cards.equals(TWO_CARDS) ? "two" : "one"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "alloc@1:400,alloc@1:400; lower training.batch",
        "lost@1:300; start it again",
        "nccl:7; give -Dwisp.cuda.collective=host",
      })
  void aCardThatFailsIsOneLineForTheUserAndItsExitCode(String plan, String message) {
    Referee.fail(plan);
    String run = "user-" + plan.replaceAll("[^a-z0-9]", "");
    assertThat(command(run, TWO_CARDS).error()).startsWith("wisp: ").contains(message);
  }
}
