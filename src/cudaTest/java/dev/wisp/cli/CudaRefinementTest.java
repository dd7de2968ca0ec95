package dev.wisp.cli;

import static dev.wisp.cli.CliSupport.wisp;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.wisp.TinyNetwork;
import dev.wisp.io.ImageCodec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What follows AE-SIPE, on a pretend card: IRN's training and walk, DeepLabV3's and its labels. */
class CudaRefinementTest {
  @TempDir static Path folder;
  private static Path data = Path.of("");
  private static Path encoder = Path.of("");
  private static Path maps = Path.of("");

  @BeforeAll
  static void prepare() throws IOException {
    data = CliSupport.dataset(folder.resolve("data"));
    encoder = TinyNetwork.weights(folder.resolve("encoder.safetensors"));
    maps = CliSupport.maps(data, folder.resolve("maps"));
    wisp(
            "irn",
            "labels",
            "--recipe=demo",
            "--data=" + data,
            "--list=train",
            "--maps=" + maps,
            "--out=" + folder.resolve("ir"))
        .ok();
    for (String device : List.of("cpu", "cuda")) {
      boundaries(device, device);
      deepLab(device, device);
      deepLab("fixed-" + device, device, "--set=segmentation.norms=fixed");
    }
  }

  /** Four steps. */
  private static byte[] boundaries(String run, String device) throws IOException {
    return train(
        "irn-" + run,
        device,
        List.of(
            "--set=irn.epochs=2",
            "--set=irn.batch=2",
            "--set=irn.crop=48",
            "--set=irn.radius=5",
            "--labels=" + folder.resolve("ir")),
        "irn");
  }

  /** Five steps. */
  private static byte[] deepLab(String run, String device, String... more) throws IOException {
    List<String> options =
        new ArrayList<>(
            List.of(
                "--set=segmentation.steps=5",
                "--set=segmentation.batch=2",
                "--set=segmentation.crop=41",
                "--labels=" + data.resolve("SegmentationClass")));
    options.addAll(List.of(more));
    return train("deeplab-" + run, device, options, "deeplab");
  }

  private static byte[] train(String run, String device, List<String> options, String command)
      throws IOException {
    wisp(
            options,
            command,
            "train",
            "--recipe=demo",
            "--data=" + data,
            "--weights=" + encoder,
            "--run=" + folder.resolve(run),
            "--device=" + device,
            "--threads=1")
        .ok();
    return Files.readAllBytes(weights(run));
  }

  private static Path weights(String run) {
    return folder.resolve(run).resolve("checkpoints/final.safetensors");
  }

  private static List<Double> losses(String run) throws IOException {
    return Files.readAllLines(folder.resolve(run).resolve("metrics.jsonl")).stream()
        .map(line -> Double.valueOf(line.replaceAll(".*\"loss\":([^,]*),.*", "$1")))
        .toList();
  }

  /** The first so many losses of a training are the same but for rounding. */
  private static void assertSameLosses(String run, int steps, int same) throws IOException {
    List<Double> expected = losses(run + "-cpu");
    List<Double> losses = losses(run + "-cuda");
    assertThat(losses).hasSize(steps).hasSameSizeAs(expected);
    for (int step = 0; step < same; step++) {
      assertThat(losses.get(step)).isCloseTo(expected.get(step), withinPercentage(0.1));
    }
  }

  @Test
  void aCardGivesIrnTheLossesOfTheCpu() throws IOException {
    assertSameLosses("irn", 4, 4);
  }

  /**
   * Norms over two images magnify rounding: on the cpu alone, weights that differ by 2e-7 of their
   * size give losses that differ by 4 % from the third step on.
   */
  @Test
  void aCardGivesDeepLabTheLossesOfTheCpu() throws IOException {
    assertSameLosses("deeplab-fixed", 5, 5);
    assertSameLosses("deeplab", 5, 2);
  }

  @Test
  void theSameCardGivesTheSameBits() throws IOException {
    assertThat(boundaries("again", "cuda")).isEqualTo(Files.readAllBytes(weights("irn-cuda")));
    assertThat(deepLab("again", "cuda")).isEqualTo(Files.readAllBytes(weights("deeplab-cuda")));
  }

  /** The walk of the demonstration's recipe, of 256 steps. */
  @Test
  void aCardWalksMapsToTheLabelsOfTheCpu() throws IOException {
    assertAlike(
        "refined",
        device ->
            List.of("irn", "refine", "--maps=" + maps, "--weights=" + weights("irn-cpu"), device));
  }

  @Test
  void aCardSegmentsAsTheCpuDoes() throws IOException {
    assertAlike(
        "segmented",
        device ->
            List.of(
                "segment",
                "--weights=" + weights("deeplab-cpu"),
                "--scales=0.5,1",
                "--flip",
                device));
  }

  private interface Command {
    List<String> of(String device);
  }

  private static List<byte[]> labels(String out, List<String> command) throws IOException {
    List<String> all = new ArrayList<>(command);
    all.addAll(
        List.of("--data=" + data, "--list=val", "--out=" + folder.resolve(out), "--threads=1"));
    wisp(all.toArray(String[]::new)).ok();
    List<byte[]> labels = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder.resolve(out).resolve("labels"))) {
      for (Path file : files.sorted().toList()) {
        labels.add(ImageCodec.readMask(file).index());
      }
    }
    return labels;
  }

  /** Where two classes are as good as equal, rounding decides. */
  private static void assertAlike(String out, Command command) throws IOException {
    List<byte[]> expected = labels(out + "-cpu", command.of("--device=cpu"));
    List<byte[]> labels = labels(out + "-cuda", command.of("--device=cuda"));
    assertThat(labels).hasSize(3).hasSameSizeAs(expected);
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
}
