package dev.wisp.cli;

import static dev.wisp.cli.CliSupport.wisp;
import static org.assertj.core.api.Assertions.assertThat;

import dev.wisp.data.Dataset;
import dev.wisp.data.Datasets;
import dev.wisp.data.Sample;
import dev.wisp.io.Image;
import dev.wisp.io.ImageCodec;
import dev.wisp.io.Mask;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DeepLabCommandTest {
  private static final List<String> TINY =
      List.of(
          "--recipe=demo",
          "--set=segmentation.steps=5",
          "--set=segmentation.batch=2",
          "--set=segmentation.crop=41",
          "--set=segmentation.checkpointEvery=1",
          "--threads=1");

  @TempDir static Path folder;
  private static Path data = Path.of("");
  private static Path labels = Path.of("");
  private static Path encoder = Path.of("");
  private static Path weights = Path.of("");

  @BeforeAll
  static void trainOnTheTruth() {
    data = CliSupport.dataset(folder.resolve("data"));
    labels = data.resolve("SegmentationClass");
    Path pretrain = folder.resolve("pretrain");
    wisp(CliSupport.TINY, "pretrain", "--data=" + data, "--run=" + pretrain, "--threads=1").ok();
    encoder = pretrain.resolve("checkpoints/final.safetensors");
    weights = train("whole", "--val-list=val");
  }

  private static Path finalWeights(String run) {
    return folder.resolve(run).resolve("checkpoints/final.safetensors");
  }

  private static CliSupport.Outcome training(String run, String... more) {
    List<String> command =
        new ArrayList<>(
            List.of("deeplab", "train", "--data=" + data, "--run=" + folder.resolve(run)));
    command.addAll(TINY);
    List<String> given = List.of(more);
    if (given.stream().noneMatch(option -> option.startsWith("--labels="))) {
      command.add("--labels=" + labels);
    }
    if (given.stream().noneMatch(option -> option.startsWith("--weights="))) {
      command.add("--weights=" + encoder);
    }
    command.addAll(given);
    return wisp(command.toArray(String[]::new));
  }

  private static Path train(String run, String... more) {
    training(run, more).ok();
    return finalWeights(run);
  }

  private static List<Sample> samples(String list) {
    return Datasets.open(data, list).samples();
  }

  @Test
  void aRunThatStoppedAtAnyCheckpointEndsWithTheSameBits() throws IOException {
    train("stopped");
    Path run = folder.resolve("stopped/checkpoints");
    Files.delete(run.resolve("final.safetensors"));
    Files.delete(run.resolve("step-0000000005.safetensors"));
    assertThat(Files.readAllBytes(train("stopped", "--resume")))
        .isEqualTo(Files.readAllBytes(weights));
  }

  @Test
  void otherLabelsAreNotTakenForTheSameRun() throws IOException {
    train("relabelled");
    Path other = folder.resolve("other");
    Files.createDirectories(other);
    for (Sample sample : samples("train")) {
      Files.copy(labels.resolve(sample.id() + ".png"), other.resolve(sample.id() + ".png"));
    }
    Path first = other.resolve(samples("train").getFirst().id() + ".png");
    Mask mask = ImageCodec.readMask(first);
    mask.index()[0] = (byte) Mask.VOID;
    ImageCodec.writeMask(first, mask);
    assertThat(training("relabelled", "--resume", "--labels=" + other).error())
        .contains("changed since the run began");
  }

  @Test
  void labelsOfUnknownClassesAreNamedAndPassedOver() throws IOException {
    Path other = folder.resolve("unknown");
    Files.createDirectories(other);
    for (Sample sample : samples("train")) {
      Files.copy(labels.resolve(sample.id() + ".png"), other.resolve(sample.id() + ".png"));
    }
    Path first = other.resolve(samples("train").getFirst().id() + ".png");
    Mask mask = ImageCodec.readMask(first);
    mask.index()[7] = (byte) 200;
    ImageCodec.writeMask(first, mask);
    CliSupport.Outcome outcome = training("unknown-run", "--labels=" + other);
    assertThat(outcome.code()).isEqualTo(ExitCodes.SKIPPED);
    assertThat(outcome.err()).contains("holds class 200");
  }

  @Test
  void wrongRequestsAreNamed() {
    assertThat(training("one", "--set=segmentation.batch=1").error()).contains("two images");
    assertThat(training("no", "--labels=" + folder.resolve("none")).error())
        .contains("no such folder");
    assertThat(training("stride", "--set=segmentation.outputStride=4").error())
        .contains("give 8 or 16");
  }

  @Test
  void devicesShareABatchOfTwoImagesEachOrFixedNormsOfOne() {
    training("shared", "--device=cpu,cpu", "--set=segmentation.batch=4").ok();
    assertThat(training("few", "--device=cpu,cpu").error()).contains("two images");
    training("fixed", "--set=segmentation.norms=fixed", "--set=segmentation.batch=1").ok();
  }

  @Test
  void itScoresAfterEachEpochAndAtTheEnd() throws IOException {
    List<String> lines = Files.readAllLines(folder.resolve("whole/metrics.jsonl"));
    assertThat(lines).hasSize(5);
    assertThat(lines.get(0)).contains("lossCrossEntropy").doesNotContain("val/miou");
    assertThat(lines.get(1)).contains("val/miou");
    assertThat(lines.get(4)).contains("val/miou");
  }

  private static CliSupport.Outcome segment(Path out, String... more) {
    return wisp(List.of(more), "segment", "--weights=" + weights, "--out=" + out, "--threads=1");
  }

  @Test
  void photosAreSegmentedAndADamagedOneIsPassedOver() throws IOException {
    Dataset dataset = Datasets.open(data, "val");
    Path photo = dataset.samples().getFirst().image();
    Path broken = folder.resolve("broken.jpg");
    Files.write(broken, new byte[] {(byte) 0xFF, (byte) 0xD8, 0, 1});
    Path out = folder.resolve("photos");
    CliSupport.Outcome outcome = segment(out, photo.toString(), broken.toString());
    assertThat(outcome.code()).isEqualTo(ExitCodes.SKIPPED);
    assertThat(outcome.err()).contains("broken.jpg");
    assertThat(outcome.out()).contains("1 images segmented");
    String name = dataset.samples().getFirst().id() + ".png";
    Image image = ImageCodec.decode(photo);
    Mask label = ImageCodec.readMask(out.resolve("labels").resolve(name));
    assertThat(label.width()).isEqualTo(image.width());
    for (byte id : label.index()) {
      assertThat((int) id).isBetween(0, dataset.classCount());
    }
    assertThat(ImageCodec.decode(out.resolve("overlays").resolve(name)).height())
        .isEqualTo(image.height());
    assertThat(segment(out, photo.toString(), photo.toString()).error())
        .contains("two images are called");
    assertThat(segment(out).error()).contains("no image to segment");
  }

  @Test
  void scalesFlipsStrideAndCrfChangeWhatIsSeenAndReducedImagesKeepTheirSize() {
    for (List<String> options :
        List.of(
            List.of("--scales=0.5,1", "--flip"),
            List.of("--output-stride=16"),
            List.of("--crf"),
            List.of("--set=segmentation.maxPixels=900"))) {
      Path out = folder.resolve("options" + options.hashCode());
      segment(out, withData(options)).ok();
      for (Sample sample : samples("val")) {
        Mask label = ImageCodec.readMask(out.resolve("labels/" + sample.id() + ".png"));
        assertThat(label.width()).isEqualTo(48);
        assertThat(label.height()).isEqualTo(48);
      }
    }
  }

  private static String[] withData(List<String> options) {
    List<String> all = new ArrayList<>(options);
    all.add("--data=" + data);
    all.add("--list=val");
    return all.toArray(String[]::new);
  }

  @Test
  void theSubmissionHoldsEveryLabelWhereTheServerLooks() throws IOException {
    Path out = folder.resolve("submitted");
    Path archive = folder.resolve("results.tgz");
    segment(out, withData(List.of("--voc-submission=" + archive))).ok();
    Map<String, byte[]> files = untar(archive);
    assertThat(files).hasSameSizeAs(samples("val"));
    for (Sample sample : samples("val")) {
      assertThat(files.get("results/VOC2012/Segmentation/comp6_test_cls/" + sample.id() + ".png"))
          .isEqualTo(Files.readAllBytes(out.resolve("labels/" + sample.id() + ".png")));
    }
  }

  /** Reads an archive by the format's own rules: sizes in octal, a checksum, blocks of 512. */
  private static Map<String, byte[]> untar(Path archive) throws IOException {
    byte[] all;
    try (InputStream in =
        new GZIPInputStream(new ByteArrayInputStream(Files.readAllBytes(archive)))) {
      all = in.readAllBytes();
    }
    assertThat(all.length % 512).isZero();
    Map<String, byte[]> files = new TreeMap<>();
    int at = 0;
    while (all[at] != 0) {
      int sum = 0;
      for (int i = 0; i < 512; i++) {
        sum += i >= 148 && i < 156 ? ' ' : all[at + i] & 0xFF;
      }
      assertThat(octal(all, at + 148, 6)).isEqualTo(sum);
      int size = octal(all, at + 124, 11);
      byte[] content = new byte[size];
      System.arraycopy(all, at + 512, content, 0, size);
      files.put(new String(all, at, 100, StandardCharsets.US_ASCII).replace("\0", ""), content);
      at += 512 + (size + 511) / 512 * 512;
    }
    assertThat(all.length - at).isEqualTo(1024);
    return files;
  }

  private static int octal(byte[] bytes, int at, int length) {
    return Integer.parseInt(new String(bytes, at, length, StandardCharsets.US_ASCII), 8);
  }

  /** torchvision's file has the same names, counters, and an auxiliary head besides. */
  @Test
  void theWeightsGoToAPyTorchFileAndBack() throws IOException {
    Path pth = folder.resolve("deeplab.pth");
    wisp("convert", weights.toString(), pth.toString()).ok();
    Path direct = folder.resolve("direct");
    Path turned = folder.resolve("turned");
    segment(direct, withData(List.of())).ok();
    wisp(
            List.of("--recipe=demo", "--threads=1"),
            "segment",
            "--weights=" + pth,
            "--out=" + turned,
            "--data=" + data,
            "--list=val")
        .ok();
    for (Sample sample : samples("val")) {
      assertThat(Files.readAllBytes(turned.resolve("labels/" + sample.id() + ".png")))
          .isEqualTo(Files.readAllBytes(direct.resolve("labels/" + sample.id() + ".png")));
    }
    assertThat(Files.readAllBytes(train("continued", "--weights=" + pth))).isNotEmpty();
  }
}
