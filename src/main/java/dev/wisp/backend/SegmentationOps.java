package dev.wisp.backend;

import dev.wisp.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A segmentation network's last steps (method.md section 11). Scores of classes at a low resolution
 * count as resized to the image (bilinear, half-pixel as in {@link ResizeOps}), but the resized
 * scores, which are the largest tensor of such a network, exist for a few rows at a time only.
 */
public interface SegmentationOps {
  /**
   * Cross-entropy of the resized scores, the mean over all labelled pixels of the batch: {@code log
   * sum_k exp(z_k) - z_label}. A label of {@code K} or more, such as 255, is no label. Without any
   * labelled pixel the loss and its gradient are 0.
   *
   * @param logits {@code [N, h, w, K]}
   * @param labels {@code [N, H, W]} U8, class ids
   * @param loss {@code [1]}, output
   * @param dLogits {@code [N, h, w, K]}, output: the gradient; or null
   */
  void pixelCrossEntropy(Tensor logits, Tensor labels, Tensor loss, @Nullable Tensor dLogits);

  /**
   * Adds the softmax over the classes of the resized scores.
   *
   * @param logits {@code [N, h, w, K]}
   * @param probabilities {@code [N, H, W, K]}, updated in place
   */
  void addProbabilities(Tensor logits, Tensor probabilities);

  /**
   * The class of the largest resized score, the first among equals; a NaN is passed over.
   *
   * @param logits {@code [N, h, w, K]}; where h and w are H and W, scores of any kind
   * @param labels {@code [N, H, W]} I32, output: class ids
   */
  void argmaxLogits(Tensor logits, Tensor labels);

  /**
   * Dropout (Srivastava et al., JMLR 2014), inverted: element i becomes {@code x_i / (1 -
   * probability)}, or exactly 0 if the upper 24 bits of {@code CounterRandom.bits(key, first + i)}
   * are below {@code probability * 2^24}. On every backend the same elements. Its gradient is the
   * same operation on the gradient. May be in place.
   *
   * @param probability in [0, 1)
   * @param first number of the first element under the key
   * @param out shape of x
   */
  void dropout(Tensor x, float probability, long key, long first, Tensor out);

  /** How many of 2^24 equally likely numbers drop an element. */
  static long dropped(float probability) {
    return Math.round(probability * 0x1p24);
  }
}
