package dev.wisp.method;

import dev.wisp.autograd.Tape;
import dev.wisp.autograd.Var;
import dev.wisp.backend.Backend;
import dev.wisp.backend.PathIndex;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * IRN's losses over pairs of nearby positions (method.md section 10): path affinity on the
 * boundary, displacement of foreground pairs towards each other's offset, of background pairs
 * towards 0. Each is a sum over the pairs of the whole batch divided by their number.
 */
final class PathLosses {
  static final int KINDS = 3;

  private static final double EPS = 1e-5;
  private static final int BACKGROUND = 0;
  private static final int FOREGROUND = 1;
  private static final int NEGATIVE = 2;

  private final Backend backend;
  private final PathIndex paths;
  private final int classes;

  PathLosses(Backend backend, PathIndex paths, int classes) {
    this.backend = backend;
    this.paths = paths;
    this.classes = classes;
  }

  /** Numbers of background-positive, foreground-positive and negative pairs of a batch. */
  double[] counts(Tape tape, Tensor label) {
    Tensor counts = tape.scope().f32(label.shape().size(0), KINDS);
    backend.pairCounts(label, paths, classes, counts);
    double[] sums = sums(counts, KINDS);
    counts.release();
    return sums;
  }

  private double[] sums(Tensor byImage, int kinds) {
    float[] values = backend.floats(byImage);
    double[] sums = new double[kinds];
    for (int i = 0; i < values.length; i++) {
      sums[i % kinds] += values[i];
    }
    return sums;
  }

  /**
   * The losses, whose gradients go to both outputs.
   *
   * @param label {@code [N, h, w]} I32
   * @param counts of the whole batch
   * @param parts in how many equal parts the batch is shared: the mean over them is the batch's
   *     loss
   */
  Losses losses(Tape tape, IrnHead.Output out, Tensor label, double[] counts, int parts) {
    double background = parts / (counts[BACKGROUND] + EPS);
    double foreground = parts / (counts[FOREGROUND] + EPS);
    double negative = parts / (counts[NEGATIVE] + EPS);
    double[] affinity =
        affinity(tape, out.boundary(), label, background / 4, foreground / 4, negative / 2);
    double still = parts / (2 * counts[BACKGROUND] + EPS);
    double moved = parts / (2 * counts[FOREGROUND] + EPS);
    double[] displacement = displacement(tape, out.displacement(), label, still / 2, moved / 2);
    Map<String, Double> values = new LinkedHashMap<>();
    double positive = (affinity[BACKGROUND] * background + affinity[FOREGROUND] * foreground) / 2;
    values.put(Losses.AFFINITY_POSITIVE, positive);
    values.put(Losses.AFFINITY_NEGATIVE, affinity[NEGATIVE] * negative);
    values.put(Losses.DISPLACEMENT_FOREGROUND, displacement[FOREGROUND] * moved);
    values.put(Losses.DISPLACEMENT_BACKGROUND, displacement[BACKGROUND] * still);
    double total = values.values().stream().mapToDouble(Double::doubleValue).sum() / 2;
    return new Losses(total, values);
  }

  /** Sums of path affinity losses by kind. */
  private double[] affinity(Tape tape, Var logits, Tensor label, double... weights) {
    Shape s = label.shape();
    Tensor boundary = tape.scope().allocate(logits.value().type(), s);
    backend.sigmoid(logits.value().reshape(s.toArray()), 1, boundary);
    Tensor losses = tape.scope().f32(s.size(0), KINDS);
    Tensor slope = tape.isRecording() ? tape.scope().allocate(boundary.type(), s) : null;
    backend.pathAffinityLoss(boundary, label, paths, classes, floats(weights), losses, slope);
    if (slope != null) {
      Tensor gradient = tape.scope().allocate(slope.type(), logits.value().shape());
      backend.sigmoidBackward(boundary, slope, 1, gradient.reshape(s.toArray()));
      slope.release();
      tape.loss(gradient, () -> logits.addGradient(gradient));
    }
    boundary.release();
    return sums(losses, KINDS);
  }

  /** Sums of displacement losses: background, foreground. */
  private double[] displacement(Tape tape, Var vectors, Tensor label, double... weights) {
    Tensor losses = tape.scope().f32(label.shape().size(0), 2);
    Tensor slope =
        tape.isRecording() ? tape.scope().allocate(losses.type(), vectors.value().shape()) : null;
    backend.displacementLoss(
        vectors.value(), label, paths, classes, floats(weights), losses, slope);
    if (slope != null) {
      tape.loss(slope, () -> vectors.addGradient(slope));
    }
    return sums(losses, 2);
  }

  private static float[] floats(double[] values) {
    float[] floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) values[i];
    }
    return floats;
  }
}
