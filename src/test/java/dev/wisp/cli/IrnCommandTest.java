package dev.wisp.cli;

import static dev.wisp.cli.CliSupport.wisp;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.wisp.TinyNetwork;
import dev.wisp.data.Dataset;
import dev.wisp.data.Datasets;
import dev.wisp.data.Sample;
import dev.wisp.io.ImageCodec;
import dev.wisp.io.Mask;
import dev.wisp.io.Safetensors;
import dev.wisp.pipeline.Confusion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IrnCommandTest {
  /** A training of four steps. */
  private static final List<String> TINY =
      List.of(
          "--recipe=demo",
          "--set=irn.epochs=2",
          "--set=irn.batch=2",
          "--set=irn.crop=48",
          "--set=irn.radius=5",
          "--set=irn.checkpointEvery=1");

  private static final int STEPS = 4;

  @TempDir static Path folder;
  private static Path data = Path.of("");
  private static Path encoder = Path.of("");
  private static Path maps = Path.of("");
  private static byte[] uninterrupted = new byte[0];

  @BeforeAll
  static void prepare() throws IOException {
    data = CliSupport.dataset(folder.resolve("data"));
    encoder = TinyNetwork.weights(folder.resolve("encoder.safetensors"));
    maps = CliSupport.maps(data, folder.resolve("maps"));
    labels("train", "ir").ok();
    uninterrupted = train("whole");
  }

  private static CliSupport.Outcome labels(String list, String out) {
    return labels(list, maps, out);
  }

  private static CliSupport.Outcome labels(String list, Path from, String out) {
    return wisp(
        "irn",
        "labels",
        "--recipe=demo",
        "--data=" + data,
        "--list=" + list,
        "--maps=" + from,
        "--out=" + folder.resolve(out));
  }

  private static CliSupport.Outcome training(String run, String... more) {
    List<String> options = new ArrayList<>(TINY);
    options.addAll(List.of(more));
    return wisp(
        options,
        "irn",
        "train",
        "--data=" + data,
        "--labels=" + folder.resolve("ir"),
        "--weights=" + encoder,
        "--threads=1",
        "--run=" + folder.resolve(run));
  }

  private static Path checkpoint(String run, String name) {
    return folder.resolve(run).resolve("checkpoints").resolve(name + ".safetensors");
  }

  private static byte[] train(String run, String... more) throws IOException {
    training(run, more).ok();
    return Files.readAllBytes(checkpoint(run, "final"));
  }

  private static CliSupport.Outcome refine(Path from, String out, String... more) {
    return wisp(
        List.of(more),
        "irn",
        "refine",
        "--data=" + data,
        "--list=val",
        "--maps=" + from,
        "--weights=" + checkpoint("whole", "final"),
        "--out=" + folder.resolve(out));
  }

  private static List<Sample> scored() {
    return Datasets.open(data, "val").samples();
  }

  @Test
  void labelsHoldOnlyWhatTheImageShowsAndVoidAndAreMostlyRight() {
    Dataset dataset = Datasets.open(data, "train");
    long right = 0;
    long wrong = 0;
    for (Sample sample : dataset.samples()) {
      Mask label = ImageCodec.readMask(folder.resolve("ir").resolve(sample.id() + ".png"));
      Mask truth = dataset.mask(sample);
      for (int p = 0; p < label.index().length; p++) {
        int id = label.index()[p] & 0xFF;
        assertThat(id == 0 || id == Mask.VOID || Arrays.binarySearch(sample.classes(), id) >= 0)
            .isTrue();
        if (id != Mask.VOID) {
          right += id == truth.index()[p] ? 1 : 0;
          wrong += id == truth.index()[p] ? 0 : 1;
        }
      }
    }
    assertThat(right).isGreaterThan(10 * wrong);
  }

  @Test
  void anImageWithoutMapsIsNamedWithTheCommandThatMakesThem() throws IOException {
    Path some = CliSupport.maps(data, folder.resolve("some"));
    Sample gone = scored().getFirst();
    Files.delete(some.resolve(gone.id() + ".npz"));
    CliSupport.Outcome outcome = labels("val", some, "some-ir");
    assertThat(outcome.code()).isEqualTo(ExitCodes.SKIPPED);
    assertThat(outcome.err())
        .contains("no maps of image '%s'; make them with: wisp label".formatted(gone.id()));
    assertThat(refine(some, "some-fine").err())
        .contains("no maps of image '%s'; make them with: wisp label".formatted(gone.id()));
    Path other = folder.resolve("some-fine/labels").resolve(scored().getLast().id() + ".png");
    assertThat(other).exists();
    assertThat(labels("val", folder.resolve("no"), "x").error()).contains("wisp label");
  }

  @Test
  void trainingStoresTheMeanDisplacementAndLeavesTheEncoderAlone() {
    try (Safetensors before = Safetensors.open(encoder);
        Safetensors after = Safetensors.open(checkpoint("whole", "final"))) {
      float[] mean = after.floats("mean_shift.running_mean");
      assertThat(mean).hasSize(2);
      assertThat(mean[0]).isFinite().isNotZero();
      assertThat(after.floats("resnet.layer4.0.conv1.weight"))
          .isEqualTo(before.floats("resnet.layer4.0.conv1.weight"));
    }
  }

  @Test
  void theSameSeedGivesTheSameBitsAndAnotherDoesNot() throws IOException {
    assertThat(train("again")).isEqualTo(uninterrupted);
    assertThat(train("other", "--seed=99")).isNotEqualTo(uninterrupted);
  }

  @Test
  void anInterruptedTrainingContinuesToTheSameBits() throws IOException {
    train("stopped");
    Files.delete(checkpoint("stopped", "final"));
    Files.delete(checkpoint("stopped", "step-%010d".formatted(STEPS)));
    assertThat(train("stopped", "--resume")).isEqualTo(uninterrupted);
    // Stopped in the last pass: every step is done, the mean is not.
    Files.delete(checkpoint("stopped", "final"));
    assertThat(train("stopped", "--resume")).isEqualTo(uninterrupted);
  }

  @Test
  void otherLabelsAreNoContinuation() throws IOException {
    train("moved");
    Path first =
        folder
            .resolve("ir")
            .resolve(Datasets.open(data, "train").samples().getFirst().id() + ".png");
    byte[] kept = Files.readAllBytes(first);
    try {
      ImageCodec.writeMask(first, new Mask(48, 48, new byte[48 * 48]));
      assertThat(training("moved", "--resume").error()).contains("labels changed");
    } finally {
      Files.write(first, kept);
    }
  }

  @Test
  void twoDevicesGiveTheLossesOfOneWithinOnePartInTenThousand() throws IOException {
    training("two", "--device=cpu,cpu").ok();
    List<Double> one = losses("whole");
    List<Double> two = losses("two");
    assertThat(two).hasSize(STEPS).hasSameSizeAs(one);
    for (int step = 0; step < STEPS; step++) {
      assertThat(two.get(step)).isCloseTo(one.get(step), withinPercentage(0.01));
    }
  }

  private static List<Double> losses(String run) throws IOException {
    return Files.readAllLines(folder.resolve(run).resolve("metrics.jsonl")).stream()
        .map(line -> Double.valueOf(line.replaceAll(".*\"loss\":([^,]*),.*", "$1")))
        .toList();
  }

  /** A short walk: boundaries after four steps of training hold nothing back. */
  private static CliSupport.Outcome briefly(String out) {
    return refine(maps, out, "--set=irn.walk.steps=1", "--set=irn.walk.radius=2");
  }

  @Test
  void refinedLabelsFillTheHolesAndAreNotMadeTwice() throws IOException {
    assertThat(briefly("fine").ok().out()).contains("3 images labelled, 0 were already");
    Dataset dataset = Datasets.open(data, "val");
    Confusion confusion = new Confusion(dataset.classCount() + 1);
    for (Sample sample : scored()) {
      Mask label = ImageCodec.readMask(folder.resolve("fine/labels").resolve(sample.id() + ".png"));
      confusion.add(dataset.mask(sample).index(), label.index());
    }
    assertThat(confusion.meanIou(Confusion.Convention.VOC)).isGreaterThan(0.8);
    Path one = folder.resolve("fine/labels").resolve(scored().getFirst().id() + ".png");
    byte[] made = Files.readAllBytes(one);
    Files.delete(one);
    assertThat(briefly("fine").ok().out()).contains("1 images labelled, 2 were already");
    assertThat(Files.readAllBytes(one)).isEqualTo(made);
    Path map = maps.resolve(scored().getFirst().id() + ".npz");
    Files.setLastModifiedTime(
        map, FileTime.fromMillis(Files.getLastModifiedTime(one).toMillis() + 5000));
    assertThat(briefly("fine").ok().out()).contains("1 images labelled, 2 were already");
  }

  @Test
  void labelsOfOtherSettingsAreRefusedUnlessForced() {
    refine(maps, "set", "--set=irn.walk.steps=3").ok();
    assertThat(refine(maps, "set").error()).contains("refining.yaml").contains("--force");
    assertThat(refine(maps, "set", "--force").ok().out()).contains("3 images labelled");
  }

  @Test
  void wrongValuesAreNamed() {
    assertThat(training("wrong", "--set=irn.crop=50").error()).contains("irn.crop is 50");
    assertThat(training("wrong", "--set=irn.radius=1").error()).contains("irn.radius is 1");
    assertThat(training("wrong", "--set=irn.walk.beta=-1").error()).contains("irn.walk.beta is -1");
    assertThat(training("wrong", "--set=irn.batch=64").error()).contains("do not fill one batch");
    assertThat(wisp("irn").code()).isEqualTo(ExitCodes.USER);
  }
}
