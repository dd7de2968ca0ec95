package dev.wisp.autograd;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ClassRows;
import dev.wisp.backend.MapOps.Normalization;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Differentiable operations over class maps {@code [rows, h, w]}, and the losses. */
public final class MapFunctions {
  private MapFunctions() {}

  /**
   * Raw CAM {@code [N, h, w, K]} to maps of the listed classes and the background.
   *
   * @param valid {@code [N, h, w]} or null; must live until the backward pass
   */
  public static Var camToMaps(
      Tape tape, Var cam, @Nullable Tensor valid, ClassRows classes, float eps) {
    Backend backend = tape.backend();
    Shape s = cam.value().shape();
    Tensor y = tape.scope().f32(classes.rows(), s.size(1), s.size(2));
    Tensor peak = tape.scope().i32(s.size(0), s.size(3));
    Tensor winner = tape.scope().i32(s.size(0), s.size(1), s.size(2));
    backend.camToMaps(cam.value(), valid, classes, eps, y, peak, winner);
    if (!tape.isRecording() || !cam.needsGradient()) {
      peak.release();
      winner.release();
      return tape.result(y);
    }
    return tape.result(
        y,
        out -> {
          Tensor dy = out.takeGradient();
          Tensor dCam = tape.scope().allocate(y.type(), s);
          backend.camToMapsBackward(cam.value(), valid, classes, eps, peak, winner, dy, dCam);
          dy.release();
          peak.release();
          winner.release();
          cam.addGradient(dCam);
        },
        cam);
  }

  /** Normalises each map over its positions. */
  public static Var normalize(Tape tape, Var maps, Normalization mode, float eps) {
    Backend backend = tape.backend();
    Tensor y = tape.scope().allocate(maps.value().type(), maps.value().shape());
    Tensor peak = tape.scope().i32(maps.value().shape().size(0), 2);
    backend.normalizeMaps(maps.value(), mode, eps, y, peak);
    if (!tape.isRecording() || !maps.needsGradient()) {
      peak.release();
      return tape.result(y);
    }
    return tape.result(
        y,
        out -> {
          Tensor dy = out.takeGradient();
          Tensor dx = tape.scope().allocate(y.type(), maps.value().shape());
          backend.normalizeMapsBackward(maps.value(), mode, eps, peak, dy, dx);
          dy.release();
          peak.release();
          maps.addGradient(dx);
        },
        maps);
  }

  /** Resizes maps with aligned corners or half-pixel centres; without gradient. */
  public static Tensor resize(
      Tape tape, Tensor maps, long height, long width, boolean alignCorners) {
    Shape s = maps.shape();
    Tensor y = tape.scope().f32(s.size(0), height, width);
    tape.backend()
        .resizeBilinear(
            maps.reshape(s.size(0), s.size(1), s.size(2), 1),
            y.reshape(s.size(0), height, width, 1),
            0,
            alignCorners);
    return y;
  }

  /**
   * Multi-label soft margin loss, {@code [1]}; its gradient goes to score.
   *
   * @param label {@code [N, K]}, 0 or 1
   */
  public static Tensor softMarginLoss(Tape tape, Var score, Tensor label) {
    Tensor loss = tape.scope().f32(1);
    boolean gradient = tape.isRecording() && score.needsGradient();
    Tensor dScore = gradient ? tape.scope().allocate(label.type(), score.value().shape()) : null;
    tape.backend().softMarginLoss(score.value(), label, loss, dScore);
    if (dScore != null) {
      tape.loss(dScore, () -> score.addGradient(dScore));
    }
    return loss;
  }

  /** Mean absolute difference over all classes, {@code [1]}; its gradient goes to both maps. */
  public static Tensor meanAbsoluteDifference(Tape tape, Var a, Var b, ClassRows classes) {
    Backend backend = tape.backend();
    Tensor loss = tape.scope().f32(1);
    boolean gradient = tape.isRecording() && (a.needsGradient() || b.needsGradient());
    Tensor dA = gradient ? tape.scope().allocate(loss.type(), a.value().shape()) : null;
    backend.meanAbsoluteDifference(a.value(), b.value(), classes, loss, dA);
    if (dA != null) {
      tape.loss(
          dA,
          () -> {
            if (b.needsGradient()) {
              backend.addScaled(-1, dA, b.gradientBuffer());
            }
            a.addGradient(dA);
          });
    }
    return loss;
  }
}
