package dev.wisp.nn;

import dev.wisp.autograd.FeatureFunctions;
import dev.wisp.autograd.Tape;
import dev.wisp.autograd.Var;
import dev.wisp.backend.ConvSpec;
import dev.wisp.common.CounterRandom;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;
import java.util.Arrays;
import java.util.List;

/**
 * DeepLabV3's classifier over an encoder's features: atrous spatial pyramid pooling, dropout, a 3x3
 * convolution with norm and ReLU, a 1x1 convolution with bias. torchvision's names.
 */
public final class DeepLabHead implements AutoCloseable {
  /** What is dropped in training. */
  public record Dropout(float probability, long key, long first) {
    /** Nothing. */
    public static final Dropout NONE = new Dropout(0, 0, 0);
  }

  /** Sees the pyramid's branches in their order, then its result. */
  @FunctionalInterface
  public interface Observer {
    void see(String name, Tensor value);
  }

  private static final String NAME = "classifier";

  private final Aspp aspp;
  private final ConvNorm mix;
  private final Conv scores;
  private final List<Parameter> parameters;

  /**
   * A head with undefined weights.
   *
   * @param in channels of the features
   * @param channels inside
   * @param rates of the pyramid
   * @param classes with the background
   */
  public DeepLabHead(
      ParameterFactory factory, int in, int channels, List<Integer> rates, int classes) {
    int first = factory.parameters().size();
    aspp = new Aspp(factory, NAME + ".0", in, channels, rates);
    mix = Aspp.layer(factory, NAME, 1, new ConvSpec(channels, channels, 3, 1, 1, 1));
    scores = new Conv(factory, NAME + ".4", channels, classes, true);
    List<Parameter> all = factory.parameters();
    parameters = List.copyOf(all.subList(first, all.size()));
  }

  /**
   * Scores of the classes, {@code [N, h, w, classes]}; lets go of x.
   *
   * @param live whether norms use the batch's statistics; needs two images or more
   */
  public Var forward(Tape tape, Var x, boolean live, Dropout dropout, Observer observer) {
    Var pyramid = aspp.forward(tape, x, live, observer);
    Var kept = pyramid;
    if (dropout.probability() > 0) {
      kept =
          FeatureFunctions.dropout(
              tape, pyramid, dropout.probability(), dropout.key(), dropout.first());
      pyramid.release();
    }
    Var mixed = mix.run(tape, kept, null, true, live);
    kept.release();
    Var y = scores.forward(tape, mixed);
    mixed.release();
    return y;
  }

  /**
   * Random weights: uniform within {@code 1 / sqrt(inputs * kernel area)}, torch's habit; norms at
   * the identity, no bias.
   *
   * @param path first element of the random path, others than the encoder's
   */
  public void initialize(long seed, long path) {
    for (int i = 0; i < parameters.size(); i++) {
      Parameter parameter = parameters.get(i);
      Shape shape = parameter.shape();
      float[] values = new float[Math.toIntExact(shape.elements())];
      if (shape.rank() == 4) {
        double bound = 1 / Math.sqrt(shape.elements() / (double) shape.size(0));
        CounterRandom random = CounterRandom.of(seed, path, i);
        for (int j = 0; j < values.length; j++) {
          values[j] = (float) random.uniform(-bound, bound);
        }
      } else if (parameter.name().endsWith("weight") || parameter.name().endsWith("running_var")) {
        Arrays.fill(values, 1);
      }
      parameter.set(values);
    }
  }

  /** See {@link ResNet#freeze}. */
  public void freeze() {
    aspp.freeze();
    mix.freeze();
    scores.freeze();
  }

  @Override
  public void close() {
    aspp.close();
    mix.close();
    scores.close();
  }
}
