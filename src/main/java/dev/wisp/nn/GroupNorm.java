package dev.wisp.nn;

import dev.wisp.autograd.FeatureFunctions;
import dev.wisp.autograd.Tape;
import dev.wisp.autograd.Var;
import dev.wisp.backend.Backend;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;

/** Group normalisation with scale and shift (Wu and He, ECCV 2018), eps 1e-5. */
public final class GroupNorm {
  private static final float EPS = 1e-5f;

  private final Backend backend;
  private final int groups;
  private final Parameter gamma;
  private final Parameter beta;

  /**
   * A layer of one state-dict module, such as {@code fc_edge1.1}.
   *
   * @param group whose learning rate its parameters follow
   * @param groups how many share the channels; a divisor of their number
   */
  public GroupNorm(
      ParameterFactory factory, String name, Parameter.Group group, int groups, int channels) {
    if (groups < 1 || channels % groups != 0) {
      throw new IllegalArgumentException(
          "%s: %d groups of %d channels".formatted(name, groups, channels));
    }
    this.backend = factory.backend();
    this.groups = groups;
    this.gamma = factory.create(name + ".weight", group, channels);
    this.beta = factory.create(name + ".bias", group, channels);
  }

  /** The scale, {@code [C]}. */
  public Parameter gamma() {
    return gamma;
  }

  /** The shift, {@code [C]}. */
  public Parameter beta() {
    return beta;
  }

  /** {@code act(gamma * xhat + beta)} over {@code [N, H, W, C]}, with ReLU or without. */
  public Var forward(Tape tape, Var x, boolean relu) {
    Shape s = x.value().shape();
    Tensor y = tape.scope().allocate(x.value().type(), s);
    Tensor mean = tape.scope().f32(s.size(0), groups);
    Tensor invStd = tape.scope().f32(s.size(0), groups);
    backend.groupNormForward(x.value(), gamma.value(), beta.value(), EPS, relu, y, mean, invStd);
    if (!tape.isRecording()) {
      mean.release();
      invStd.release();
      return tape.result(y);
    }
    Tape.Backward backward =
        out -> {
          Tensor dz = relu ? FeatureFunctions.reluBackward(tape, y, out) : out.takeGradient();
          Tensor dx = tape.scope().allocate(y.type(), s);
          backend.groupNormBackward(
              x.value(),
              dz,
              gamma.value(),
              mean,
              invStd,
              dx,
              gamma.newGradient(),
              beta.newGradient());
          dz.release();
          mean.release();
          invStd.release();
          x.addGradient(dx);
        };
    return relu ? tape.resultKept(y, backward, x) : tape.result(y, backward, x);
  }
}
