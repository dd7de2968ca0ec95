package dev.wisp.cli;

import static dev.wisp.cli.CliSupport.wisp;
import static org.assertj.core.api.Assertions.assertThat;

import dev.wisp.DenseCrf;
import dev.wisp.backend.CrfOptions;
import dev.wisp.data.Dataset;
import dev.wisp.data.Datasets;
import dev.wisp.data.Sample;
import dev.wisp.io.ImageCodec;
import dev.wisp.io.Mask;
import dev.wisp.pipeline.Confusion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CrfCommandTest {
  @TempDir private Path folder;
  private Path data = Path.of("");
  private Path labels = Path.of("");

  /** Labels that are the truth with every fourth pixel of it called background. */
  @BeforeEach
  void spoilTheTruth() {
    data = CliSupport.dataset(folder.resolve("data"));
    labels = folder.resolve("labels");
    Dataset dataset = Datasets.open(data, "val");
    for (Sample sample : dataset.samples()) {
      Mask truth = dataset.mask(sample);
      byte[] spoilt = truth.index().clone();
      for (int p = 0; p < spoilt.length; p += 4) {
        spoilt[p] = 0;
      }
      ImageCodec.writeMask(
          labels.resolve(sample.id() + ".png"), new Mask(truth.width(), truth.height(), spoilt));
    }
  }

  private CliSupport.Outcome crf(String... more) {
    return crf(labels, folder.resolve("out"), more);
  }

  private CliSupport.Outcome crf(Path from, Path to, String... more) {
    return wisp(
        List.of(more), "crf", "--data=" + data, "--list=val", "--labels=" + from, "--out=" + to);
  }

  private double score(Path scored) {
    Dataset dataset = Datasets.open(data, "val");
    Confusion confusion = new Confusion(dataset.classCount() + 1);
    for (Sample sample : dataset.samples()) {
      confusion.add(
          dataset.mask(sample).index(),
          ImageCodec.readMask(scored.resolve(sample.id() + ".png")).index());
    }
    return confusion.meanIou(Confusion.Convention.VOC);
  }

  @Test
  void holesInLabelsAreFilled() {
    assertThat(crf().ok().out()).contains("3 images refined");
    assertThat(score(folder.resolve("out"))).isGreaterThan(score(labels) + 0.1);
  }

  @Test
  void withoutStepsLabelsStayAsTheyAre() throws IOException {
    crf("--steps=0").ok();
    for (Sample sample : Datasets.open(data, "val").samples()) {
      String name = sample.id() + ".png";
      assertThat(ImageCodec.readMask(folder.resolve("out").resolve(name)).index())
          .isEqualTo(ImageCodec.readMask(labels.resolve(name)).index());
    }
  }

  @Test
  void aLabelThatIsMissingOrOfAnotherSizeIsNamedAndTheOthersAreDone() throws IOException {
    Sample[] samples = Datasets.open(data, "val").samples().toArray(Sample[]::new);
    Files.delete(labels.resolve(samples[0].id() + ".png"));
    ImageCodec.writeMask(
        labels.resolve(samples[1].id() + ".png"), new Mask(2, 1, new byte[] {0, 1}));
    CliSupport.Outcome outcome = crf();
    assertThat(outcome.code()).isEqualTo(ExitCodes.SKIPPED);
    assertThat(outcome.err())
        .contains(samples[0].id() + ".png")
        .contains("is 2x1 pixels, the image 48x48");
    assertThat(folder.resolve("out").resolve(samples[2].id() + ".png")).exists();
  }

  @Test
  void wrongOptionsAreNamed() {
    assertThat(crf("--steps=-1").error()).contains("--steps is -1");
    assertThat(crf("--certainty=1").error()).contains("--certainty is 1.0");
    assertThat(crf("--gaussian", "0", "3").error()).contains("--gaussian has a deviation of 0.0");
    assertThat(crf("--bilateral", "50", "5", "NaN").error()).contains("--bilateral has a weight");
    assertThat(crf(labels, labels).error()).contains("holds the labels to refine");
    assertThat(crf(folder.resolve("no"), labels).error()).contains("no such folder");
  }

  @Test
  void theCrfWorksAloneOnArrays() {
    float[] unary = {0, 3, 3, 0, 0, 3, 3, 0};
    float[] grey = new float[12];
    float[] q = DenseCrf.infer(unary, 2, grey, 2, 2, CrfOptions.standard());
    assertThat(q).hasSize(8);
    for (int p = 0; p < 4; p++) {
      assertThat(q[p] + q[4 + p]).isBetween(0.9999f, 1.0001f);
    }
  }
}
