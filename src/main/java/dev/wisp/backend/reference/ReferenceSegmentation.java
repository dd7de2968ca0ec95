package dev.wisp.backend.reference;

import dev.wisp.backend.reference.SegmentationReference.Sizes;
import dev.wisp.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** The last steps of segmentation networks. */
abstract class ReferenceSegmentation extends ReferenceNetwork {
  private final SegmentationReference segmentation;

  ReferenceSegmentation(Rounding rounding) {
    super(rounding);
    segmentation = new SegmentationReference(rounding);
  }

  private static Sizes sizes(String op, Tensor logits, Tensor image, int rank) {
    int[] low = sizes(op, "logits", logits, 4);
    int[] full = sizes(op, rank == 4 ? "probabilities" : "labels", image, rank);
    require(low[0] == full[0], op, "logits %s for %s", logits, image);
    require(
        low[0] == 0 || low[1] * low[2] * low[3] * full[1] * full[2] > 0,
        op,
        "a size is 0: logits %s for %s",
        logits,
        image);
    return new Sizes(low[0], low[1], low[2], low[3], full[1], full[2]);
  }

  @Override
  public void pixelCrossEntropy(
      Tensor logits, Tensor labels, Tensor loss, @Nullable Tensor dLogits) {
    String op = "pixelCrossEntropy";
    double[] scores = f32(op, "logits", logits);
    Sizes s = sizes(op, logits, labels, 3);
    double[] out = f32(op, "loss", loss, 1);
    double[] gradient = f32OrNull(op, "dLogits", dLogits, logits.shape().toArray());
    double[] written = gradient == null ? new double[scores.length] : gradient;
    out[0] =
        segmentation.pixelCrossEntropy(
            scores, u8(op, "labels", labels, labels.shape().toArray()), s, written);
    rounding.results(out);
    rounding.results(written);
  }

  @Override
  public void addProbabilities(Tensor logits, Tensor probabilities) {
    String op = "addProbabilities";
    double[] scores = f32(op, "logits", logits);
    Sizes s = sizes(op, logits, probabilities, 4);
    double[] out = f32(op, "probabilities", probabilities, s.n(), s.height(), s.width(), s.k());
    segmentation.addProbabilities(scores, s, out);
    rounding.results(out);
  }

  @Override
  public void argmaxLogits(Tensor logits, Tensor labels) {
    String op = "argmaxLogits";
    double[] scores = f32(op, "logits", logits);
    Sizes s = sizes(op, logits, labels, 3);
    segmentation.argmaxLogits(scores, s, i32(op, "labels", labels));
  }

  @Override
  public void dropout(Tensor x, float probability, long key, long first, Tensor out) {
    String op = "dropout";
    double[] from = f32(op, "x", x);
    double[] to = f32(op, "out", out, x.shape().toArray());
    require(probability >= 0 && probability < 1, op, "a probability of %s", probability);
    segmentation.dropout(from, probability, key, first, to);
    rounding.results(to);
  }
}
