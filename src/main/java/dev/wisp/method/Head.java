package dev.wisp.method;

import dev.wisp.autograd.FeatureFunctions;
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

/**
 * The layers over the encoder: four side layers and the classifier (method.md sections 1 and 2).
 */
final class Head implements AutoCloseable {
  static final float EPS = 1e-5f;

  /** First element of the random path of these layers; the encoder counts its tensors from 0. */
  private static final long RANDOM_PATH = 1_000_000;

  /**
   * What the encoder's features become.
   *
   * @param feature the hierarchical feature, {@code [N, h, w, D]}
   * @param cam {@code [N, h, w, K]}
   * @param x4 the semantic feature
   */
  record Output(Var feature, Var cam, Var x4) {
    void release() {
      feature.release();
      cam.release();
      x4.release();
    }
  }

  private final List<Conv> sides = new ArrayList<>();
  private final Conv classifier;

  Head(ParameterFactory factory, AeSipeConfig config) {
    ResNetConfig encoder = config.encoder();
    for (int n = 1; n <= 4; n++) {
      sides.add(
          new Conv(factory, "side" + n, encoder.channels(n), config.sideChannels().get(n - 1)));
    }
    classifier = new Conv(factory, "classifier", encoder.channels(4), config.foreground());
  }

  /** Runs the layers; takes over x1..x4. */
  Output forward(Tape tape, ResNet.Features features, Observer observer) {
    List<Var> x = List.of(features.x1(), features.x2(), features.x3(), features.x4());
    List<Stage> stages = List.of(Stage.X1, Stage.X2, Stage.X3, Stage.X4);
    Shape grid = features.x3().value().shape();
    List<Var> parts = new ArrayList<>();
    for (int n = 0; n < sides.size(); n++) {
      observer.see(stages.get(n), x.get(n).value());
      Var input = x.get(n).detached();
      if (n < sides.size() - 1) {
        x.get(n).release();
      }
      Var side = sides.get(n).forward(tape, input);
      input.release();
      parts.add(FeatureFunctions.l2Normalize(tape, side, EPS));
      side.release();
    }
    Var feature = FeatureFunctions.concatResized(tape, parts, grid.size(1), grid.size(2));
    parts.forEach(Var::release);
    Var cam = classifier.forward(tape, features.x4());
    observer.see(Stage.FEATURE, feature.value());
    observer.see(Stage.CAM, cam.value());
    return new Output(feature, cam, features.x4());
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

  @Override
  public void close() {
    sides.forEach(Conv::close);
    classifier.close();
  }
}
