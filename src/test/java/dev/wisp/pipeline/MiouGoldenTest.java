package dev.wisp.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wisp.golden.GoldenCase;
import dev.wisp.golden.GoldenFile;
import dev.wisp.golden.GoldenFolder;
import dev.wisp.golden.GoldenSupport;
import dev.wisp.io.TensorFile;
import dev.wisp.pipeline.Confusion.Convention;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Scores against what the release's own evaluation gave. */
@Tag("golden")
class MiouGoldenTest {
  private static final double RELATIVE = 1e-12;

  @Test
  void scoresAgreeWithTheReleaseInBothConventions() {
    GoldenFolder golden = GoldenSupport.open("irn_crf_deeplab");
    for (String stem : GoldenSupport.stems(golden, "miou(_.+)?")) {
      check(golden, stem);
    }
  }

  private static void check(GoldenFolder golden, String stem) {
    try (GoldenFile file = golden.file(stem)) {
      int classes = file.dims("eval_cam.confusion")[0];
      Confusion plain = count(file.tensors(), classes, false);
      Confusion holes = count(file.tensors(), classes, true);
      check(file, "eval_cam", plain, Convention.VOC);
      check(file, "eval_cam", plain, Convention.RELEASE);
      check(file, "pred255", holes, Convention.RELEASE);
      check(file, "pred255_as_miss", holes, Convention.VOC);
      if (Arrays.stream(file.tensors().doubles("eval_cam.iou")).anyMatch(Double::isNaN)) {
        double unwanted = file.tensors().doubles("absent_as_zero.miou")[0];
        assertThat(plain.meanIou(Convention.VOC)).isNotEqualTo(unwanted);
      }
    }
  }

  /** All pairs n.gt, n.pred; with holes the predictions get 255 at every 4th row, 3rd column. */
  private static Confusion count(TensorFile tensors, int classes, boolean holes) {
    Confusion confusion = new Confusion(classes);
    List<String> truths = tensors.names().stream().filter(n -> n.endsWith(".gt")).toList();
    assertThat(truths).isNotEmpty();
    for (String truth : truths) {
      byte[] prediction = tensors.bytes(truth.replaceFirst("\\.gt$", ".pred"));
      int width = (int) tensors.shape(truth)[1];
      for (int i = 0; holes && i < prediction.length; i++) {
        if (i / width % 4 == 0 && i % width % 3 == 0) {
          prediction[i] = (byte) 255;
        }
      }
      confusion.add(tensors.bytes(truth), prediction);
    }
    return confusion;
  }

  private static void check(
      GoldenFile file, String name, Confusion confusion, Convention convention) {
    GoldenCase result = file.start("", name + "/" + convention);
    if (file.has(name + ".confusion")) {
      int classes = confusion.classes();
      int[] counts = new int[classes * classes];
      for (int i = 0; i < counts.length; i++) {
        counts[i] = (int) confusion.count(i / classes, i % classes);
      }
      result.checkExact(name + ".confusion", counts);
    }
    double[] expected = file.tensors().doubles(name + ".iou");
    double[] iou = confusion.iou(convention);
    for (int k = 0; k < expected.length; k++) {
      if (Double.isNaN(expected[k])) {
        assertThat(iou[k]).as("%s class %d", name, k).isNaN();
      } else {
        assertThat(iou[k])
            .as("%s class %d", name, k)
            .isCloseTo(expected[k], org.assertj.core.data.Offset.offset(RELATIVE));
      }
    }
    System.out.println(
        result.checkRelative(name + ".miou", RELATIVE, confusion.meanIou(convention)).finish());
  }
}
