package dev.wisp.backend.conformance;

import dev.wisp.common.CounterRandom;
import dev.wisp.tensor.DType;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/** Cases of {@link dev.wisp.backend.SegmentationOps}. */
final class SegmentationCases {
  /** Images, score height, score width, classes, image height, image width. */
  private static final int[][] SIZES = {
    {1, 1, 1, 1, 1, 1},
    {1, 1, 1, 2, 5, 7},
    {2, 3, 2, 3, 3, 2},
    {1, 5, 4, 17, 2, 3},
    {3, 2, 5, 21, 13, 37},
    {2, 9, 7, 16, 65, 49},
    {1, 4, 3, 81, 31, 24},
  };

  /** Elements: a vector, one more and less, more than a block. */
  private static final int[] LENGTHS = {1, 15, 16, 17, 1000, 16_385};

  private SegmentationCases() {}

  static List<ConformanceCase> all() {
    List<ConformanceCase> cases = new ArrayList<>();
    for (int[] s : SIZES) {
      String text = "%dx%dx%dx%d to %dx%d".formatted(s[0], s[1], s[2], s[3], s[4], s[5]);
      add(cases, "pixelCrossEntropy", text, t -> crossEntropy(t, s, 3));
      add(cases, "pixelCrossEntropy", text + ", scores of 100", t -> crossEntropy(t, s, 100));
      add(cases, "pixelCrossEntropy", text + ", loss alone", t -> lossAlone(t, s));
      add(cases, "pixelCrossEntropy", text + ", no label", t -> unlabelled(t, s));
      add(cases, "addProbabilities", text, t -> probabilities(t, s));
      add(cases, "argmaxLogits", text, t -> argmax(t, s));
    }
    add(cases, "argmaxLogits", "equal scores and NaN", SegmentationCases::ties);
    for (int n : LENGTHS) {
      for (float probability : new float[] {0, 0.1f, 0.5f, 0.999f}) {
        add(
            cases,
            "dropout",
            "%d elements, probability %s".formatted(n, probability),
            t -> dropout(t, n, probability));
      }
    }
    return cases;
  }

  private static void add(
      List<ConformanceCase> cases, String operation, String text, Consumer<Trial> body) {
    cases.add(new ConformanceCase(operation, text, body));
  }

  private static Tensor scores(Trial t, int[] s, double scale) {
    return t.uniform(-scale, scale, s[0], s[1], s[2], s[3]);
  }

  private static void crossEntropy(Trial t, int[] s, double scale) {
    Tensor logits = scores(t, s, scale);
    Tensor labels = t.labels(s[3], s[0], s[4], s[5]);
    Tensor loss = t.f32(1);
    Tensor dLogits = t.f32(s[0], s[1], s[2], s[3]);
    t.backend().pixelCrossEntropy(logits, labels, loss, dLogits);
    t.out("loss", loss);
    t.out("dLogits", dLogits);
  }

  private static void lossAlone(Trial t, int[] s) {
    Tensor loss = t.f32(1);
    t.backend().pixelCrossEntropy(scores(t, s, 3), t.labels(s[3], s[0], s[4], s[5]), loss, null);
    t.out("loss", loss);
  }

  private static void unlabelled(Trial t, int[] s) {
    Tensor labels = t.scope().allocate(DType.U8, Shape.of(s[0], s[4], s[5]));
    byte[] none = new byte[s[0] * s[4] * s[5]];
    Arrays.fill(none, (byte) 255);
    t.backend().upload(none, labels);
    Tensor loss = t.f32(1);
    Tensor dLogits = t.f32(s[0], s[1], s[2], s[3]);
    t.backend().pixelCrossEntropy(scores(t, s, 3), labels, loss, dLogits);
    t.outExact("loss", loss);
    t.outExact("dLogits", dLogits);
  }

  private static void probabilities(Trial t, int[] s) {
    Tensor sums = t.uniform(0, 2, s[0], s[4], s[5], s[3]);
    t.backend().addProbabilities(scores(t, s, 8), sums);
    t.out("probabilities", sums);
  }

  private static void argmax(Trial t, int[] s) {
    Tensor logits = scores(t, s, 3);
    Tensor labels = t.i32(s[0], s[4], s[5]);
    t.backend().argmaxLogits(logits, labels);
    Tensor full = t.f32(s[0], s[4], s[5], s[3]);
    t.backend().resizeBilinear(logits, full, 0, false);
    double[] values = t.values(full);
    double[] margins = new double[values.length / s[3]];
    for (int p = 0; p < margins.length; p++) {
      double[] sorted = Arrays.copyOfRange(values, p * s[3], (p + 1) * s[3]);
      Arrays.sort(sorted);
      // Relative to what the scores are mixed from: a mean of large ones may itself be small.
      margins[p] = s[3] == 1 ? 1 : (sorted[s[3] - 1] - sorted[s[3] - 2]) / 3;
    }
    t.outDecisions("labels", labels, margins);
  }

  /** The first among equals, at the scores' own size, where nothing is rounded. */
  private static void ties(Trial t) {
    float[] values = new float[5 * 7 * 4];
    CounterRandom random = t.random();
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextInt(9) == 0 ? Float.NaN : random.nextInt(3);
    }
    Tensor labels = t.i32(1, 5, 7);
    t.backend().argmaxLogits(t.tensor(values, 1, 5, 7, 4), labels);
    t.out("labels", labels);
  }

  private static void dropout(Trial t, int n, float probability) {
    Tensor x = t.normal(n);
    long key = CounterRandom.key(15, n);
    Tensor out = t.f32(n);
    t.backend().dropout(x, probability, key, 1L << 33, out);
    t.backend().dropout(x, probability, key, 1L << 33, x);
    t.outExact("out", out);
    t.outExact("in place", x);
  }
}
