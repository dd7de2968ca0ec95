package dev.wisp.golden;

import dev.wisp.backend.Backend;
import dev.wisp.backend.CrfOptions;
import dev.wisp.io.Image;
import dev.wisp.method.CrfRefinement;
import dev.wisp.method.IrnLabels;
import dev.wisp.method.Localization;
import java.util.Arrays;

/** The labels that IRN learns from, from maps. */
public final class IrnLabelGolden implements GoldenSubject {
  @Override
  public String folder() {
    return "irn_crf_deeplab";
  }

  @Override
  public String files() {
    return "cam2ir";
  }

  @Override
  public void check(GoldenFolder folder, GoldenCase report, Backend backend) {
    report.file().numbered().forEach(name -> labels(report, backend, name));
  }

  private static void labels(GoldenCase report, Backend backend, String name) {
    GoldenFile file = report.file();
    int[] s = file.dims(name + "IS_CAM");
    int[] ids = file.ints(name + "keys");
    byte[] pixels = file.tensors().bytes(name + "image");
    IrnLabels labels =
        IrnLabels.of(
            backend,
            new Image(s[2], s[1], pixels),
            new Localization(ids, s[1], s[2], file.tensors().floats(name + "IS_CAM")),
            file.tensors().doubles(name + "subpress")[0],
            CrfRefinement.CERTAINTY,
            CrfOptions.standard());
    report.checkExact(name + "fg_argmax", indices(labels.foreground(), ids));
    report.checkExact(name + "fg_crf", indices(labels.refinedForeground(), ids));
    report.checkExact(name + "bg_argmax", indices(labels.background(), ids));
    report.checkExact(name + "bg_crf", indices(labels.refinedBackground(), ids));
    report.checkExact(name + "ir_label", labels.label());
  }

  private static int[] indices(byte[] labels, int[] ids) {
    int[] indices = new int[labels.length];
    for (int i = 0; i < labels.length; i++) {
      indices[i] = Arrays.binarySearch(ids, labels[i] & 0xFF);
    }
    return indices;
  }
}
