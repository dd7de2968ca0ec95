package dev.wisp.nn;

import dev.wisp.autograd.FeatureFunctions;
import dev.wisp.autograd.Tape;
import dev.wisp.autograd.Var;
import dev.wisp.backend.ConvSpec;
import dev.wisp.common.CounterRandom;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The encoder: features x1..x4 of an image (method.md section 1). With fixed norms its activations,
 * and their gradients, are of the type that the backend says ({@link
 * dev.wisp.backend.Backend#activations}); what it gives out is F32 where nothing else is said.
 */
public final class ResNet implements AutoCloseable {
  /**
   * Outputs x1..x4 of the four layers, {@code [N, h, w, C]}, one after the other. A layer is
   * computed when it is asked for: whoever releases one output before asking for the next never
   * holds two.
   */
  @FunctionalInterface
  public interface Features {
    /** The next layer's output; the receiver releases it. */
    Var next();

    /**
     * Like {@link #next}, in the type of the encoder's activations: for who takes F16 as well as
     * F32.
     */
    default Var nextActivation() {
      return next();
    }

    /** The last output, before any other was asked for; the others are let go. */
    default Var x4() {
      for (int n = 1; n <= 3; n++) {
        next().release();
      }
      return next();
    }
  }

  /** Sees the stem's output after its pooling. */
  @FunctionalInterface
  public interface StemObserver {
    /** Nobody: the value need not be made. */
    StemObserver NONE = value -> {};

    void stem(Tensor value);
  }

  /** Layers that no gradient reaches in training from ImageNet weights (method.md section 1). */
  private static final int FROZEN_LAYERS = 2;

  private final ResNetConfig config;
  private final ConvNorm stem;
  private final List<List<Bottleneck>> layers = new ArrayList<>();
  private final List<Parameter> parameters;

  /**
   * A network with undefined weights: load or {@link #initialize} them.
   *
   * @param prefix of the parameters' names, such as {@code resnet.}
   */
  public ResNet(ParameterFactory factory, String prefix, ResNetConfig config) {
    this.config = config;
    int first = factory.parameters().size();
    stem =
        new ConvNorm(
            factory,
            prefix + "conv1",
            prefix + "bn1",
            new ConvSpec(
                3,
                config.stemChannels(),
                config.stemKernel(),
                config.stemStride(),
                config.stemKernel() / 2,
                1));
    int in = config.stemChannels();
    for (int l = 1; l <= config.layers().size(); l++) {
      ResNetConfig.Layer layer = config.layers().get(l - 1);
      List<Bottleneck> blocks = new ArrayList<>();
      for (int b = 0; b < layer.blocks(); b++) {
        String name = "%slayer%d.%d".formatted(prefix, l, b);
        blocks.add(new Bottleneck(factory, name, in, layer, b == 0));
        in = layer.out();
      }
      layers.add(blocks);
    }
    List<Parameter> all = factory.parameters();
    parameters = List.copyOf(all.subList(first, all.size()));
  }

  public ResNetConfig config() {
    return config;
  }

  /** Weights and statistics, in torchvision's order. */
  public List<Parameter> parameters() {
    return parameters;
  }

  /**
   * Features with fixed norms. The gradient is cut after layer2: the stem, layer1 and layer2 record
   * nothing and keep nothing.
   *
   * @param images {@code [N, H, W, 3]}, normalised; released here
   * @param observer sees the stem's output
   */
  public Features forward(Tape tape, Var images, StemObserver observer) {
    Var x0 = stem(tape.paused(), images);
    if (observer != StemObserver.NONE) {
      Var seen = FeatureFunctions.floats(tape, x0);
      observer.stem(seen.value());
      seen.release();
    }
    return new Pass(tape, x0);
  }

  /** The stem's output after its pooling; releases the images. */
  private Var stem(Tape frozen, Var images) {
    Var x0 = stem.forward(frozen, images, null, true, frozen.backend().activations());
    images.release();
    return pooled(frozen, x0);
  }

  /**
   * The stem's output after its pooling, then x1..x4, all without gradient. Unlike {@link #forward}
   * it gives five values.
   *
   * @param images {@code [N, H, W, 3]}, normalised; released here
   */
  public Features taps(Tape tape, Var images) {
    Tape frozen = tape.paused();
    return new Taps(stem(frozen, images), frozen);
  }

  /** The stem's output before the layers'. */
  private final class Taps implements Features {
    private final Tape frozen;
    private final Var stem;
    private @Nullable Pass pass;

    Taps(Var stem, Tape frozen) {
      this.stem = stem;
      this.frozen = frozen;
    }

    @Override
    public Var next() {
      if (pass == null) {
        pass = new Pass(frozen, stem);
        return FeatureFunctions.floats(frozen, stem);
      }
      return pass.next();
    }
  }

  /** A forward pass between two layers. */
  private final class Pass implements Features {
    private final Tape tape;
    private Var x;
    private int layer;

    Pass(Tape tape, Var x0) {
      this.tape = tape;
      this.x = x0;
    }

    private void advance() {
      if (layer == layers.size()) {
        throw new IllegalStateException("the network has no layer after x" + layer);
      }
      layer++;
      x = layer(layer > FROZEN_LAYERS ? tape : tape.paused(), layer, x, false);
    }

    @Override
    public Var nextActivation() {
      advance();
      if (layer < layers.size()) {
        x.retain();
      }
      return x;
    }

    @Override
    public Var next() {
      Var output = nextActivation();
      Var value = FeatureFunctions.floats(tape, output);
      output.release();
      return value;
    }

    @Override
    public Var x4() {
      while (layer < layers.size() - 1) {
        advance();
      }
      return next();
    }
  }

  /**
   * x4 with gradient everywhere, in F32 throughout; releases images.
   *
   * @param live whether norms use the batch's statistics, as in training from scratch
   */
  public Var forwardWhole(Tape tape, Var images, boolean live) {
    Var x = stem.run(tape, images, null, true, live);
    images.release();
    x = pooled(tape, x);
    for (int l = 1; l <= layers.size(); l++) {
      x = layer(tape, l, x, live);
    }
    return x;
  }

  private Var layer(Tape tape, int index, Var x, boolean live) {
    Var y = x;
    for (Bottleneck block : layers.get(index - 1)) {
      y = block.forward(tape, y, live);
    }
    return y;
  }

  private Var pooled(Tape tape, Var x) {
    if (!config.stemPool()) {
      return x;
    }
    Shape s = x.value().shape();
    long h = (s.size(1) + 1) / 2;
    long w = (s.size(2) + 1) / 2;
    Tensor y = tape.scope().allocate(x.value().type(), Shape.of(s.size(0), h, w, s.size(3)));
    Var out;
    if (x.needsGradient()) {
      Tensor index = tape.scope().i32(s.size(0), h, w, s.size(3));
      tape.backend().maxPool(x.value(), y, index);
      out =
          tape.result(
              y,
              result -> {
                Tensor dy = result.takeGradient();
                Tensor dx = tape.scope().allocate(dy.type(), s);
                tape.backend().maxPoolBackward(dy, index, dx);
                dy.release();
                index.release();
                x.addGradient(dx);
              });
    } else {
      tape.backend().maxPool(x.value(), y, null);
      out = tape.result(y);
    }
    x.release();
    return out;
  }

  /**
   * Random weights for training from scratch (He et al., ICCV 2015): normal with variance 2 /
   * (outputs * kernel area), norms at the identity.
   */
  public void initialize(long seed) {
    for (int i = 0; i < parameters.size(); i++) {
      Parameter parameter = parameters.get(i);
      Shape shape = parameter.shape();
      float[] values = new float[Math.toIntExact(shape.elements())];
      if (shape.rank() == 4) {
        double deviation = Math.sqrt(2.0 / (shape.size(0) * shape.size(2) * shape.size(3)));
        CounterRandom random = CounterRandom.of(seed, i);
        for (int j = 0; j < values.length; j++) {
          values[j] = (float) (deviation * random.nextGaussian());
        }
      } else if (parameter.name().endsWith("weight") || parameter.name().endsWith("running_var")) {
        Arrays.fill(values, 1);
      }
      parameter.set(values);
    }
  }

  /**
   * Keeps of the weights only what {@link #forward} on a tape that does not record needs, which
   * halves their memory. Nothing else can be done with the network from then on.
   */
  public void freeze() {
    stem.freeze();
    layers.forEach(blocks -> blocks.forEach(Bottleneck::freeze));
  }

  @Override
  public void close() {
    stem.close();
    layers.forEach(blocks -> blocks.forEach(Bottleneck::close));
  }
}
