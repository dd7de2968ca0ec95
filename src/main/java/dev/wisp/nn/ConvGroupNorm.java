package dev.wisp.nn;

import dev.wisp.autograd.Tape;
import dev.wisp.autograd.Var;

/** A 1x1 convolution without bias, then group norm, the modules 0 and 1 of a sequence. */
public final class ConvGroupNorm implements AutoCloseable {
  private final Conv conv;
  private final GroupNorm norm;

  /**
   * A layer whose parameters are new.
   *
   * @param name of the sequence, such as {@code fc_edge1}
   * @param group whose learning rate its parameters follow
   */
  public ConvGroupNorm(
      ParameterFactory factory, String name, Parameter.Group group, int in, int out, int groups) {
    conv = new Conv(factory, name + ".0", group, in, out, false);
    norm = new GroupNorm(factory, name + ".1", group, groups, out);
  }

  /** {@code [N, H, W, in]} to {@code [N, H, W, out]}, with ReLU or without; x stays held. */
  public Var forward(Tape tape, Var x, boolean relu) {
    Var z = conv.forward(tape, x);
    Var y = norm.forward(tape, z, relu);
    z.release();
    return y;
  }

  /** See {@link ConvNorm#freeze}. */
  public void freeze() {
    conv.freeze();
  }

  @Override
  public void close() {
    conv.close();
  }
}
