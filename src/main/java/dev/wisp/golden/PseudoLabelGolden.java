package dev.wisp.golden;

import dev.wisp.backend.Backend;
import dev.wisp.method.BoundaryWalk;
import dev.wisp.method.IrnNet;
import java.util.Arrays;

/** Pseudo-labels of maps and a boundary. */
public final class PseudoLabelGolden implements GoldenSubject {
  private static final int STRIDE = 4;

  @Override
  public String folder() {
    return "irn_crf_deeplab";
  }

  @Override
  public String files() {
    return "seg_label_tail";
  }

  @Override
  public void check(GoldenFolder folder, GoldenCase report, Backend backend) {
    report.file().numbered().forEach(name -> pseudoLabels(report, backend, name));
  }

  private static void pseudoLabels(GoldenCase report, Backend backend, String name) {
    GoldenFile file = report.file();
    int[] s = file.dims(name + "IS_CAM");
    int[] grid = file.dims(name + "edge");
    float[] maps = file.tensors().floats(name + "IS_CAM");
    BoundaryWalk walk =
        new BoundaryWalk(
            backend,
            new IrnNet.Field(grid[0], grid[1], 1, file.tensors().floats(name + "edge")),
            BoundaryWalk.Options.published());
    int size = s[1] * s[2];
    for (int k = 0; k < s[0]; k++) {
      walk.add(Arrays.copyOfRange(maps, k * size, (k + 1) * size), s[1], s[2]);
    }
    report.check(name + "cams_down_pow", walk.sharpened());
    float[] walked = walk.walked();
    report.checkShare(name + "rw64", 1e-5, walked);
    report.check(name + "rw", walked);
    report.check(name + "rw_up", walk.enlarged(s[1], s[2], STRIDE));
    byte[] labels = walk.labels(file.ints(name + "keys"), s[1], s[2], STRIDE);
    report.checkExact(name + "label", labels);
  }
}
