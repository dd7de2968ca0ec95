package dev.wisp.nn;

import dev.wisp.autograd.FeatureFunctions;
import dev.wisp.autograd.Tape;
import dev.wisp.autograd.Var;
import dev.wisp.backend.Backend;
import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.ConvWeights;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A 1x1 convolution: classifiers and side layers. */
public final class Conv implements AutoCloseable {
  private final Backend backend;
  private final ConvSpec spec;
  private final Parameter weight;
  private final @Nullable Parameter bias;
  private final ConvWeights packed;
  private long packedVersion = -1;

  /** A layer without bias of one state-dict module, such as {@code side1}; its weight is new. */
  public Conv(ParameterFactory factory, String name, int inChannels, int outChannels) {
    this(factory, name, inChannels, outChannels, false);
  }

  /** A layer of one state-dict module; its parameters are new. */
  Conv(ParameterFactory factory, String name, int inChannels, int outChannels, boolean biased) {
    this(factory, name, Parameter.Group.NEW, inChannels, outChannels, biased);
  }

  /** A layer of one state-dict module whose parameters follow a group's learning rate. */
  public Conv(
      ParameterFactory factory,
      String name,
      Parameter.Group group,
      int inChannels,
      int outChannels,
      boolean biased) {
    this.backend = factory.backend();
    this.spec = ConvSpec.pointwise(inChannels, outChannels);
    this.weight = factory.create(name + ".weight", group, outChannels, inChannels, 1, 1);
    this.bias = biased ? factory.create(name + ".bias", group, outChannels) : null;
    this.packed = backend.convWeights(spec);
  }

  /** The layer's weight, {@code [O, I, 1, 1]}. */
  public Parameter weight() {
    return weight;
  }

  /** The layer's bias, {@code [O]}, if it has one. */
  public Optional<Parameter> bias() {
    return Optional.ofNullable(bias);
  }

  private void pack() {
    if (weight.version() != packedVersion) {
      backend.loadWeights(packed, weight.value(), null);
      packedVersion = weight.version();
    }
  }

  /** Like {@link ConvNorm#freeze}. */
  public void freeze() {
    pack();
    weight.drop();
  }

  /** {@code [N, H, W, I]}, F32 or an encoder's F16, to {@code [N, H, W, O]}, F32. */
  public Var forward(Tape tape, Var x) {
    Var y = convolved(tape, x);
    Var floats = FeatureFunctions.floats(tape, y);
    y.release();
    return floats;
  }

  private Var convolved(Tape tape, Var x) {
    pack();
    Shape s = x.value().shape();
    Tensor y =
        tape.scope()
            .allocate(
                x.value().type(), Shape.of(s.size(0), s.size(1), s.size(2), spec.outChannels()));
    Parameter b = bias;
    backend.convForward(packed, x.value(), b == null ? null : b.value(), null, false, y);
    return tape.result(
        y,
        out -> {
          Tensor dy = out.takeGradient();
          backend.convBackwardWeights(
              spec, x.value(), dy, weight.newGradient(), b == null ? null : b.newGradient());
          if (x.needsGradient()) {
            Tensor dx = tape.scope().allocate(dy.type(), x.value().shape());
            backend.convBackwardData(packed, dy, dx);
            x.addGradient(dx);
          }
          dy.release();
        },
        x);
  }

  @Override
  public void close() {
    packed.close();
  }
}
