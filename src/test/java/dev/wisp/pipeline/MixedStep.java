package dev.wisp.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wisp.backend.Backend;
import dev.wisp.backend.Precision;
import dev.wisp.common.CounterRandom;
import dev.wisp.data.loader.Batch;
import dev.wisp.data.transform.Crop;
import dev.wisp.method.AeSipeConfig;
import dev.wisp.method.AeSipeNet;
import dev.wisp.method.Losses;
import dev.wisp.nn.Parameter;
import dev.wisp.nn.Sgd;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A step's losses and gradients, the latter divided by the loss scale. */
record MixedStep(Losses losses, Map<String, float[]> gradients) {
  /** Side of the images. */
  static final int SIDE = 48;

  /** Of a whole training. */
  static final int STEPS = 20;

  /** Half the distance of float16 from 1 to the next number: what one rounding costs at most. */
  static final double HALF_ROUNDING = 0x1p-11;

  /**
   * What a convolution's roundings to float16 cost at most, relative: of weights, product, and what
   * is stored, an activation or the gradient before one. What it reads was rounded when that was
   * stored.
   */
  static final double CONVOLUTION = 3 * HALF_ROUNDING;

  /** Convolutions one after the other: the stem, eight blocks of three, the classifier. */
  static final int FORWARD = 26;

  /** Those of the blocks that learn, and the classifier, on the way back. */
  static final int BACKWARD = 13;

  /**
   * What all roundings cost a gradient at most, relative: errors of one convolution after the other
   * add up, as long as the network does not magnify them; and x4's gradient is rounded between the
   * classifier and the encoder.
   */
  static final double GRADIENT = (FORWARD + BACKWARD) * CONVOLUTION + HALF_ROUNDING;

  static MixedStep of(Backend backend, Precision precision) {
    Sgd.LossScaling scaling = new Sgd.LossScaling(1024, 2000);
    try (Precisions _ = new Precisions(List.of(backend), precision);
        AeSipeNet network = network(backend);
        NetworkLearner learner = new NetworkLearner(network, options(scaling), Map::of)) {
      assertThat(backend.precision()).isEqualTo(precision);
      Losses losses = learner.gradients(learner.images(batch(0)), new double[0], 1).get();
      Map<String, float[]> gradients = new LinkedHashMap<>();
      for (Parameter parameter : network.parameters()) {
        if (parameter.hasGradient()) {
          float[] values = backend.compute(() -> backend.floats(parameter.gradient()));
          for (int i = 0; i < values.length; i++) {
            values[i] /= scaling.first();
          }
          gradients.put(parameter.name(), values);
        }
      }
      return new MixedStep(losses, gradients);
    }
  }

  /** L2 distance of all gradients together, relative to the other's length. */
  double distance(MixedStep other) {
    double squares = 0;
    double length = 0;
    for (Map.Entry<String, float[]> entry : other.gradients.entrySet()) {
      float[] values = Objects.requireNonNull(gradients.get(entry.getKey()));
      for (int i = 0; i < values.length; i++) {
        double expected = entry.getValue()[i];
        squares += (values[i] - expected) * (values[i] - expected);
        length += expected * expected;
      }
    }
    return Math.sqrt(squares / length);
  }

  /** Two images of squares in noise. */
  static Batch batch(int step) {
    List<Crop> crops = new ArrayList<>();
    for (int n = 0; n < 2; n++) {
      CounterRandom random = CounterRandom.of(100L * step + n);
      float[] pixels = new float[SIDE * SIDE * 3];
      for (int i = 0; i < pixels.length; i++) {
        int y = i / 3 / SIDE;
        int x = i / 3 % SIDE;
        boolean square = Math.abs(y - 20 - 4 * n) < 11 && Math.abs(x - 24) < 9 + n;
        pixels[i] = (float) (0.3 * random.nextGaussian() + (square ? i % 3 - 0.5 + n : 0.1));
      }
      crops.add(new Crop(pixels, SIDE, 0, SIDE, 0, SIDE, null));
    }
    return new Batch(step, 0, crops, new int[][] {{1}, {1, 2}}, List.of());
  }

  static AeSipeNet network(Backend backend) {
    AeSipeNet network = new AeSipeNet(backend, AeSipeConfig.demo(3));
    network.initialize(5);
    return network;
  }

  static Sgd.Options options(Sgd.@Nullable LossScaling scaling) {
    return new Sgd.Options(0.01, 0.1, 0.9, 1e-4, 1, STEPS, 0.9).withLossScaling(scaling);
  }
}
