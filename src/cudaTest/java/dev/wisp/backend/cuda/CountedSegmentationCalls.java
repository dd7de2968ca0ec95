package dev.wisp.backend.cuda;

import dev.wisp.backend.plan.Work;
import dev.wisp.tensor.Tensor;
import java.util.List;

/** A segmentation network's last steps, at the size of DeepLab for 321 x 321 pixels. */
final class CountedSegmentationCalls {
  private static final long LOW = 41;
  private static final long HIGH = 321;
  private static final int CLASSES = 21;
  private static final long SCORES = LOW * LOW * CLASSES;
  private static final long PIXELS = HIGH * HIGH;
  private static final long RESIZED = PIXELS * CLASSES;
  private static final long PIECES = Math.ceilDiv(PIXELS, 256);
  private static final String SIZE = "41x41 to 321x321, 21 classes";

  /** Operations of a resized score, and of an exponential with its difference. */
  private static final double MIX = 9;

  private static final double EXP = 15;

  private static final String TAPS =
      "a resized score is mixed from its four taps whenever it is needed, and never stored; eight"
          + " neighbouring pixels share them in the L1 cache";

  private CountedSegmentationCalls() {}

  static List<CountedCall> all() {
    Work softmax = Work.of(4 * SCORES + 8 * PIXELS, (2 * MIX + EXP) * RESIZED);
    return List.of(
        new CountedCall(
                SIZE,
                (b, t) -> {
                  Tensor logits = scores(t);
                  Tensor labels = t.labels(CLASSES, 1, HIGH, HIGH);
                  Tensor loss = t.out(1);
                  Tensor dLogits = t.out(1, LOW, LOW, CLASSES);
                  return () -> b.pixelCrossEntropy(logits, labels, loss, dLogits);
                })
            .launches(
                "wisp_pixel_softmax",
                new Work(softmax.bytes() + PIXELS + 16 * PIECES, softmax.floats(), 2.0 * PIXELS, 0),
                TAPS)
            .launches("wisp_pixel_loss", Work.of(16 * PIECES + 8, 0).withDoubles(2.0 * PIECES))
            .launches(
                "wisp_pixel_gradient",
                Work.of(8 * SCORES + 9 * PIXELS + 4, (MIX + EXP + 2) * RESIZED),
                "each score's thread reads the softmax and label of every pixel that reads the"
                    + " score; the classes of a score, and its neighbours, meet in the L1 cache"),
        new CountedCall(
                SIZE + ", no labels",
                (b, t) -> {
                  Tensor logits = scores(t);
                  Tensor probabilities = t.positive(1, HIGH, HIGH, CLASSES);
                  return () -> b.addProbabilities(logits, probabilities);
                })
            .launches("wisp_pixel_softmax", softmax, TAPS)
            .launches(
                "wisp_add_probabilities",
                Work.of(4 * SCORES + 8 * PIXELS + 8 * RESIZED, (MIX + EXP + 2) * RESIZED),
                TAPS),
        new CountedCall(
                SIZE,
                (b, t) -> {
                  Tensor logits = scores(t);
                  Tensor labels = t.outInts(1, HIGH, HIGH);
                  return () -> b.argmaxLogits(logits, labels);
                })
            .launches(
                "wisp_argmax_logits", Work.of(4 * SCORES + 4 * PIXELS, (MIX + 1) * RESIZED), TAPS),
        new CountedCall(
                "41x41x256",
                (b, t) -> {
                  Tensor x = t.floats(1, LOW, LOW, 256);
                  Tensor out = t.out(1, LOW, LOW, 256);
                  return () -> b.dropout(x, 0.5f, 1, 0, out);
                })
            // Half of the elements fall, and are not read.
            .launches("wisp_dropout", Work.of(6 * LOW * LOW * 256, LOW * LOW * 256)));
  }

  private static Tensor scores(CountedCall.Operands t) {
    return t.floats(1, LOW, LOW, CLASSES);
  }
}
