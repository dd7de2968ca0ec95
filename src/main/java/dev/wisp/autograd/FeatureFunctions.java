package dev.wisp.autograd;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ClassRows;
import dev.wisp.tensor.DType;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;

/** Differentiable operations over feature tensors {@code [N, H, W, C]}. */
public final class FeatureFunctions {
  private FeatureFunctions() {}

  /**
   * Divides each position's channel vector by (its L2 norm + eps). On a tape that does not record
   * the result takes the memory of x if nobody else holds it.
   */
  public static Var l2Normalize(Tape tape, Var x, float eps) {
    Backend backend = tape.backend();
    Shape s = x.value().shape();
    Tensor norms = tape.scope().f32(s.size(0), s.size(1), s.size(2));
    if (!tape.isRecording() && x.isHeldOnce()) {
      backend.l2Normalize(x.value(), eps, x.value(), norms);
      norms.release();
      return x.overwritten();
    }
    Tensor y = tape.scope().allocate(x.value().type(), s);
    backend.l2Normalize(x.value(), eps, y, norms);
    if (!tape.isRecording() || !x.needsGradient()) {
      norms.release();
      return tape.result(y);
    }
    return tape.result(
        y,
        out -> {
          Tensor dy = out.takeGradient();
          Tensor dx = tape.scope().allocate(y.type(), s);
          backend.l2NormalizeBackward(x.value(), norms, dy, eps, dx);
          dy.release();
          norms.release();
          x.addGradient(dx);
        },
        x);
  }

  /**
   * The same values as F32, which is to be released beside x itself: x, held once more, if it is
   * F32 already.
   */
  public static Var floats(Tape tape, Var x) {
    if (x.value().type() == DType.F32) {
      x.retain();
      return x;
    }
    return convert(tape, x, DType.F32);
  }

  /** The same values in another element type; gradients come back in that of x. */
  private static Var convert(Tape tape, Var x, DType type) {
    Shape s = x.value().shape();
    DType former = x.value().type();
    Tensor y = tape.scope().allocate(type, s);
    tape.backend().convert(x.value(), y);
    if (!x.needsGradient()) {
      return tape.result(y);
    }
    return tape.result(
        y,
        out -> {
          Tensor dy = out.takeGradient();
          Tensor dx = tape.scope().allocate(former, s);
          tape.backend().convert(dy, dx);
          dy.release();
          x.addGradient(dx);
        });
  }

  /**
   * Gradient before a ReLU, in the memory of the gradient after it.
   *
   * @param y the ReLU's output
   * @param out the variable that holds the gradient of y; it is taken
   */
  public static Tensor reluBackward(Tape tape, Tensor y, Var out) {
    Tensor dz = out.takeFirst();
    Tensor extra = out.takeSecond();
    tape.backend().reluBackward(y, dz, extra, dz);
    if (extra != null) {
      extra.release();
    }
    return dz;
  }

  /** Mean over positions, {@code [N, C]}. */
  public static Var spatialMean(Tape tape, Var x) {
    Shape s = x.value().shape();
    return mean(tape, x, tape.scope().f32(s.size(0), s.size(3)));
  }

  /** Mean over positions as a feature of one position, {@code [N, 1, 1, C]}. */
  public static Var pooled(Tape tape, Var x) {
    Shape s = x.value().shape();
    return mean(tape, x, tape.scope().f32(s.size(0), 1, 1, s.size(3)));
  }

  private static Var mean(Tape tape, Var x, Tensor y) {
    Backend backend = tape.backend();
    Shape s = x.value().shape();
    backend.spatialMean(x.value(), y.reshape(s.size(0), s.size(3)));
    if (!x.needsGradient()) {
      return tape.result(y);
    }
    return tape.result(
        y,
        out -> {
          Tensor dy = out.takeGradient();
          backend.spatialMeanBackward(dy.reshape(s.size(0), s.size(3)), x.gradientBuffer());
          dy.release();
        });
  }

  /**
   * Sets elements to 0 at random and scales the others up: see {@link
   * dev.wisp.backend.SegmentationOps#dropout}.
   */
  public static Var dropout(Tape tape, Var x, float probability, long key, long first) {
    Backend backend = tape.backend();
    Tensor y = tape.scope().allocate(x.value().type(), x.value().shape());
    backend.dropout(x.value(), probability, key, first, y);
    if (!x.needsGradient()) {
      return tape.result(y);
    }
    return tape.result(
        y,
        out -> {
          Tensor dy = out.takeGradient();
          backend.dropout(dy, probability, key, first, dy);
          x.addGradient(dy);
        });
  }

  /**
   * Mean cross-entropy of scores resized to their labels, {@code [1]}; its gradient goes to the
   * scores.
   *
   * @param logits {@code [N, h, w, K]}
   * @param labels {@code [N, H, W]} U8, 255 where there is none
   */
  public static Tensor pixelCrossEntropy(Tape tape, Var logits, Tensor labels) {
    Tensor loss = tape.scope().f32(1);
    boolean gradient = tape.isRecording() && logits.needsGradient();
    Tensor dLogits = gradient ? tape.scope().allocate(loss.type(), logits.value().shape()) : null;
    tape.backend().pixelCrossEntropy(logits.value(), labels, loss, dLogits);
    if (dLogits != null) {
      tape.loss(dLogits, () -> logits.addGradient(dLogits));
    }
    return loss;
  }

  /**
   * Prototypes of classes, {@code [rows, C]}.
   *
   * @param seeds {@code [N, H, W]} I32; must live until the backward pass
   */
  public static Var prototypes(Tape tape, Var feature, Tensor seeds, ClassRows classes) {
    Backend backend = tape.backend();
    Tensor y = tape.scope().f32(classes.rows(), feature.value().shape().size(3));
    backend.prototypes(feature.value(), seeds, classes, y);
    if (!feature.needsGradient()) {
      return tape.result(y);
    }
    return tape.result(
        y,
        out -> {
          Tensor dy = out.takeGradient();
          backend.prototypesBackward(dy, seeds, classes, feature.gradientBuffer());
          dy.release();
        });
  }

  /** Maps of cosine to the prototypes, {@code [rows, H, W]}. */
  public static Var reactivate(Tape tape, Var feature, Var prototypes, ClassRows classes) {
    Backend backend = tape.backend();
    Shape s = feature.value().shape();
    Tensor featureNorms = tape.scope().f32(s.size(0), s.size(1), s.size(2));
    Tensor prototypeNorms = tape.scope().f32(classes.rows());
    Tensor y = tape.scope().f32(classes.rows(), s.size(1), s.size(2));
    backend.reactivate(
        feature.value(), prototypes.value(), classes, featureNorms, prototypeNorms, y);
    if (!feature.needsGradient() && !prototypes.needsGradient()) {
      featureNorms.release();
      prototypeNorms.release();
      return tape.result(y);
    }
    return tape.resultKept(
        y,
        out -> {
          Tensor dy = out.takeGradient();
          Tensor dPrototypes = tape.scope().allocate(y.type(), prototypes.value().shape());
          backend.reactivateBackward(
              feature.value(),
              prototypes.value(),
              classes,
              featureNorms,
              prototypeNorms,
              y,
              dy,
              feature.gradientBuffer(),
              dPrototypes);
          dy.release();
          featureNorms.release();
          prototypeNorms.release();
          prototypes.addGradient(dPrototypes);
        },
        feature,
        prototypes);
  }
}
