package dev.wisp.method;

import dev.wisp.autograd.FeatureFunctions;
import dev.wisp.autograd.ResizedChannels;
import dev.wisp.autograd.Tape;
import dev.wisp.autograd.Var;
import dev.wisp.common.CounterRandom;
import dev.wisp.method.Observer.Stage;
import dev.wisp.nn.Conv;
import dev.wisp.nn.Parameter;
import dev.wisp.nn.ParameterFactory;
import dev.wisp.nn.ResNet;
import dev.wisp.nn.ResNetConfig;
import dev.wisp.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The layers over the encoder: four side layers and the classifier (method.md sections 1 and 2).
 */
final class Head implements AutoCloseable {
  static final float EPS = 1e-5f;

  private static final List<Stage> ENCODED = List.of(Stage.X1, Stage.X2, Stage.X3);

  /** First element of the random path of these layers; the encoder counts its tensors from 0. */
  private static final long RANDOM_PATH = 1_000_000;

  /**
   * What the encoder's features become.
   *
   * @param feature the hierarchical feature, {@code [N, h, w, D]}
   * @param cam {@code [N, h, w, K]}
   * @param x4 the semantic feature; null where nobody compares it
   */
  record Output(Var feature, Var cam, @Nullable Var x4) {
    void release() {
      feature.release();
      cam.release();
      if (x4 != null) {
        x4.release();
      }
    }
  }

  private final List<Conv> sides = new ArrayList<>();
  private final Conv classifier;
  private final ResNetConfig encoder;
  private final long featureChannels;

  Head(ParameterFactory factory, AeSipeConfig config) {
    encoder = config.encoder();
    for (int n = 1; n <= 4; n++) {
      sides.add(
          new Conv(factory, "side" + n, encoder.channels(n), config.sideChannels().get(n - 1)));
    }
    featureChannels = config.sideChannels().stream().mapToLong(Integer::longValue).sum();
    classifier = new Conv(factory, "classifier", encoder.channels(4), config.foreground());
  }

  /**
   * Runs the layers, each side layer before the encoder's next one, so that at most one large
   * feature is alive.
   *
   * @param keepX4 whether the output has x4
   */
  Output forward(Tape tape, ResNet.Features features, boolean keepX4, Observer observer) {
    Var x1 = features.nextActivation();
    ResizedChannels parts = parts(tape, x1.value().shape());
    for (int n = 1; n <= 3; n++) {
      Var x = n == 1 ? x1 : features.nextActivation();
      see(tape, observer, ENCODED.get(n - 1), x);
      Var input = x.detached();
      x.release();
      addSide(tape, n, input, parts);
    }
    Var x4 = features.nextActivation();
    see(tape, observer, Stage.X4, x4);
    addSide(tape, 4, x4.detached(), parts);
    Var feature = parts.finish();
    Var cam = classifier.forward(tape, x4);
    Var semantic = keepX4 ? FeatureFunctions.floats(tape, x4) : null;
    x4.release();
    observer.see(Stage.FEATURE, feature.value());
    observer.see(Stage.CAM, cam.value());
    return new Output(feature, cam, semantic);
  }

  /** Shows a feature as F32, if anybody looks. */
  private static void see(Tape tape, Observer observer, Stage stage, Var x) {
    if (observer != Observer.NONE) {
      Var floats = FeatureFunctions.floats(tape, x);
      observer.see(stage, floats.value());
      floats.release();
    }
  }

  /** The hierarchical feature, still empty: its size is that of x3. */
  private ResizedChannels parts(Tape tape, Shape x1) {
    int reduction = encoder.layers().get(1).stride() * encoder.layers().get(2).stride();
    return new ResizedChannels(
        tape,
        x1.size(0),
        Math.ceilDiv(x1.size(1), reduction),
        Math.ceilDiv(x1.size(2), reduction),
        featureChannels);
  }

  /** Takes over the input. */
  private void addSide(Tape tape, int n, Var input, ResizedChannels parts) {
    Var side = sides.get(n - 1).forward(tape, input);
    input.release();
    Var unit = FeatureFunctions.l2Normalize(tape, side, EPS);
    side.release();
    parts.add(unit);
    unit.release();
  }

  /** Random weights: uniform within {@code 1 / sqrt(inputs)}, torch's habit. */
  void initialize(long seed) {
    for (int i = 0; i < sides.size(); i++) {
      initialize(sides.get(i).weight(), seed, i);
    }
    initialize(classifier.weight(), seed, sides.size());
  }

  static void initialize(Parameter weight, long seed, long index) {
    CounterRandom random = CounterRandom.of(seed, RANDOM_PATH + index);
    double bound = 1 / Math.sqrt(weight.shape().size(1));
    float[] values = new float[Math.toIntExact(weight.shape().elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.uniform(-bound, bound);
    }
    weight.set(values);
  }

  /** See {@link ResNet#freeze}. */
  void freeze() {
    sides.forEach(Conv::freeze);
    classifier.freeze();
  }

  @Override
  public void close() {
    sides.forEach(Conv::close);
    classifier.close();
  }
}
