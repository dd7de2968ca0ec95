package dev.wisp.backend.conformance;

import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Cases of {@link dev.wisp.backend.ResizeOps}. */
final class ResizeCases {
  /** n, c, h, w, target h, target w, channel offset, target channels. */
  private static final int[][] SIZES = {
    {1, 1, 1, 1, 1, 1, 0, 1},
    {1, 3, 1, 1, 5, 7, 0, 3},
    {2, 1, 5, 7, 1, 1, 0, 1},
    {2, 17, 7, 5, 7, 5, 3, 23},
    {3, 16, 7, 5, 13, 17, 0, 16},
    {1, 15, 16, 17, 33, 31, 1, 17},
    {1, 1, 33, 47, 16, 20, 0, 1},
    {4, 1, 3, 3, 64, 80, 0, 1},
    {1, 64, 14, 9, 7, 5, 64, 192},
    {2, 20, 1, 9, 5, 4, 0, 20},
    {1, 3, 61, 53, 15, 13, 0, 3},
  };

  private ResizeCases() {}

  static List<ConformanceCase> all() {
    List<ConformanceCase> cases = new ArrayList<>();
    for (int[] s : SIZES) {
      for (boolean corners : new boolean[] {true, false}) {
        String text =
            "%dx%dx%dx%d to %dx%d, channels %d of %d, align_corners %s"
                .formatted(s[0], s[2], s[3], s[1], s[4], s[5], s[6], s[7], corners);
        cases.add(new ConformanceCase("resizeBilinear", text, t -> forward(t, s, corners)));
        cases.add(
            new ConformanceCase(
                "resizeBilinear", text + ", constant", t -> constant(t, s, corners)));
        cases.add(
            new ConformanceCase("resizeBilinearBackward", text, t -> backward(t, s, corners)));
      }
    }
    return cases;
  }

  private static void forward(Trial t, int[] s, boolean corners) {
    Tensor target = t.normal(s[0], s[4], s[5], s[7]);
    t.backend().resizeBilinear(t.normal(s[0], s[2], s[3], s[1]), target, s[6], corners);
    t.out("target", target);
  }

  /** The mean colour's red: a value whose products with weights do not come out even. */
  private static void constant(Trial t, int[] s, boolean corners) {
    Tensor target = t.constant(0.485f, s[0], s[4], s[5], s[7]);
    t.backend().resizeBilinear(t.constant(0.485f, s[0], s[2], s[3], s[1]), target, s[6], corners);
    t.outExact("target", target);
  }

  private static void backward(Trial t, int[] s, boolean corners) {
    Tensor dSource = t.f32(s[0], s[2], s[3], s[1]);
    t.backend().resizeBilinearBackward(t.normal(s[0], s[4], s[5], s[7]), s[6], dSource, corners);
    t.out("dSource", dSource);
  }
}
