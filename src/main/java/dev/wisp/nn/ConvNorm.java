package dev.wisp.nn;

import dev.wisp.autograd.FeatureFunctions;
import dev.wisp.autograd.Tape;
import dev.wisp.autograd.Var;
import dev.wisp.backend.Backend;
import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.ConvWeights;
import dev.wisp.tensor.DType;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A convolution without bias followed by batch norm, an optional residual and an optional ReLU.
 *
 * <p>{@link #forward} takes the norm's running statistics as constants and folds them into the
 * convolution, in training too: no norm pass exists. The folded, packed weights are made again only
 * when a parameter has changed. {@link #forwardLive} normalises with the batch's own statistics and
 * updates the running ones.
 */
public final class ConvNorm implements AutoCloseable {
  private static final float EPS = 1e-5f;
  private static final float MOMENTUM = 0.1f;

  private final Backend backend;
  private final ConvSpec spec;
  private final Parameter weight;
  private final Parameter gamma;
  private final Parameter beta;
  private final Parameter mean;
  private final Parameter var;
  private final ConvWeights packed;
  private final Tensor scale;
  private final Tensor bias;
  private long packedVersion = -1;
  private boolean packedFolded;

  /**
   * A layer of two state-dict modules.
   *
   * @param conv name of the convolution, such as {@code resnet.layer1.0.conv1}
   * @param norm name of the norm, such as {@code resnet.layer1.0.bn1}
   */
  ConvNorm(ParameterFactory factory, String conv, String norm, ConvSpec spec) {
    this(factory, conv, norm, spec, Parameter.Group.PRETRAINED);
  }

  /**
   * Like {@link #ConvNorm(ParameterFactory, String, String, ConvSpec)}.
   *
   * @param learned group of the weights
   */
  ConvNorm(
      ParameterFactory factory, String conv, String norm, ConvSpec spec, Parameter.Group learned) {
    this.backend = factory.backend();
    this.spec = spec;
    long out = spec.outChannels();
    Parameter.Group statistic = Parameter.Group.STATISTIC;
    weight =
        factory.create(
            conv + ".weight", learned, out, spec.inChannels(), spec.kernel(), spec.kernel());
    gamma = factory.create(norm + ".weight", learned, out);
    beta = factory.create(norm + ".bias", learned, out);
    mean = factory.create(norm + ".running_mean", statistic, out);
    var = factory.create(norm + ".running_var", statistic, out);
    scale = factory.scope().f32(2, out);
    bias = factory.scope().f32(out);
    packed = backend.convWeights(spec);
  }

  /** What the layer convolves with. */
  public ConvSpec spec() {
    return spec;
  }

  private long version() {
    return weight.version() + gamma.version() + beta.version() + mean.version() + var.version();
  }

  /** Packs the weights, folded or plain, unless they are already so. */
  private void pack(boolean folded) {
    long version = version();
    if (version == packedVersion && folded == packedFolded) {
      return;
    }
    if (folded) {
      backend.foldNorm(gamma.value(), beta.value(), mean.value(), var.value(), EPS, scale, bias);
    }
    backend.loadWeights(packed, weight.value(), folded ? scale : null);
    packedVersion = version;
    packedFolded = folded;
  }

  /**
   * Packs the weights with the norm folded in and lets go of the plain ones: {@link #forward} on a
   * tape that does not record is all the layer can do from then on.
   */
  void freeze() {
    pack(true);
    weight.drop();
  }

  private Tensor output(Tape tape, Var x, DType type) {
    Shape s = x.value().shape();
    return tape.scope()
        .allocate(
            type,
            Shape.of(
                s.size(0), spec.outSize(s.size(1)), spec.outSize(s.size(2)), spec.outChannels()));
  }

  /** {@code act(norm(conv(x)) + residual)} with fixed statistics, of the type of x. */
  public Var forward(Tape tape, Var x, @Nullable Var residual, boolean relu) {
    return forward(tape, x, residual, relu, x.value().type());
  }

  /**
   * Like {@link #forward(Tape, Var, Var, boolean)}.
   *
   * @param residual shape of the result, or null; its value is used now only, and on a tape that
   *     does not record the result takes its memory if nobody else holds it
   * @param type of the result, F16 where the backend takes it; x is of this type, or F32 and
   *     without gradient
   */
  Var forward(Tape tape, Var x, @Nullable Var residual, boolean relu, DType type) {
    pack(true);
    if (residual != null && !tape.isRecording() && residual.isHeldOnce()) {
      backend.convForward(packed, x.value(), bias, residual.value(), relu, residual.value());
      return residual.overwritten();
    }
    Tensor y = output(tape, x, type);
    backend.convForward(
        packed, x.value(), bias, residual == null ? null : residual.value(), relu, y);
    if (!tape.isRecording()) {
      return tape.result(y);
    }
    Tape.Backward backward = out -> backward(tape, x, residual, relu, y, out);
    return relu ? tape.resultKept(y, backward, x) : tape.result(y, backward, x);
  }

  /** {@link #forwardLive} or {@link #forward}. */
  Var run(Tape tape, Var x, @Nullable Var residual, boolean relu, boolean live) {
    return live ? forwardLive(tape, x, residual, relu) : forward(tape, x, residual, relu);
  }

  private void backward(Tape tape, Var x, @Nullable Var residual, boolean relu, Tensor y, Var out) {
    Tensor dz = activationBackward(tape, relu, y, out);
    backend.convBackwardWeights(spec, x.value(), dz, weight.newGradient(), beta.newGradient());
    backend.foldNormBackward(
        weight.gradient(),
        weight.value(),
        beta.gradient(),
        gamma.value(),
        mean.value(),
        var.value(),
        EPS,
        weight.gradient(),
        gamma.newGradient());
    inputBackward(tape, x, residual, dz, dz);
  }

  /** Gradient before the activation, computed in place. */
  private static Tensor activationBackward(Tape tape, boolean relu, Tensor y, Var out) {
    if (!relu) {
      return out.takeGradient();
    }
    return FeatureFunctions.reluBackward(tape, y, out);
  }

  /** Passes on the gradients of the input and the residual; takes over both tensors. */
  private void inputBackward(Tape tape, Var x, @Nullable Var residual, Tensor dConv, Tensor dz) {
    if (x.needsGradient()) {
      Tensor dx = tape.scope().allocate(dConv.type(), x.value().shape());
      backend.convBackwardData(packed, dConv, dx);
      x.addGradient(dx);
    }
    if (dConv != dz) {
      dConv.release();
    }
    if (residual == null) {
      dz.release();
    } else {
      residual.addGradient(dz);
    }
  }

  /**
   * {@code act(norm(conv(x)) + residual)} with the batch's statistics, for training from scratch.
   */
  public Var forwardLive(Tape tape, Var x, @Nullable Var residual, boolean relu) {
    pack(false);
    Tensor conv = output(tape, x, x.value().type());
    backend.convForward(packed, x.value(), null, null, false, conv);
    Tensor y = tape.scope().allocate(conv.type(), conv.shape());
    Tensor batchMean = tape.scope().f32(spec.outChannels());
    Tensor invStd = tape.scope().f32(spec.outChannels());
    backend.batchNormForward(
        conv,
        gamma.value(),
        beta.value(),
        EPS,
        residual == null ? null : residual.value(),
        relu,
        y,
        batchMean,
        invStd);
    backend.batchNormUpdate(
        batchMean,
        invStd,
        EPS,
        conv.shape().elements() / spec.outChannels(),
        MOMENTUM,
        mean.value(),
        var.value());
    mean.changed();
    var.changed();
    Var norm = tape.result(conv);
    Tape.Backward backward =
        out -> {
          Tensor dz = activationBackward(tape, relu, y, out);
          Tensor dConv = tape.scope().allocate(conv.type(), conv.shape());
          backend.batchNormBackward(
              conv,
              dz,
              gamma.value(),
              batchMean,
              invStd,
              dConv,
              gamma.newGradient(),
              beta.newGradient());
          batchMean.release();
          invStd.release();
          backend.convBackwardWeights(spec, x.value(), dConv, weight.newGradient(), null);
          inputBackward(tape, x, residual, dConv, dz);
        };
    Var out = relu ? tape.resultKept(y, backward, x, norm) : tape.result(y, backward, x, norm);
    norm.release();
    return out;
  }

  /** Returns the packed weights' memory; the parameters belong to the network's scope. */
  @Override
  public void close() {
    packed.close();
  }
}
