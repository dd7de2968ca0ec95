package dev.wisp.nn;

import dev.wisp.autograd.Tape;
import dev.wisp.autograd.Var;
import dev.wisp.backend.ConvSpec;
import org.jspecify.annotations.Nullable;

/** A residual block of a 1x1, a 3x3 and a 1x1 convolution, each followed by a norm. */
final class Bottleneck implements AutoCloseable {
  private final ConvNorm reduce;
  private final ConvNorm spatial;
  private final ConvNorm expand;
  private final @Nullable ConvNorm shortcut;

  Bottleneck(ParameterFactory factory, String name, int in, ResNetConfig.Layer layer, int stride) {
    int mid = layer.mid();
    int out = layer.out();
    reduce = layer(factory, name, 1, new ConvSpec(in, mid, 1, 1, 0, 1));
    spatial = layer(factory, name, 2, new ConvSpec(mid, mid, 3, stride, 1, 1));
    expand = layer(factory, name, 3, new ConvSpec(mid, out, 1, 1, 0, 1));
    shortcut =
        stride == 1 && in == out
            ? null
            : new ConvNorm(
                factory,
                name + ".downsample.0",
                name + ".downsample.1",
                new ConvSpec(in, out, 1, stride, 0, 1));
  }

  private static ConvNorm layer(ParameterFactory factory, String name, int index, ConvSpec spec) {
    return new ConvNorm(factory, name + ".conv" + index, name + ".bn" + index, spec);
  }

  /** The block's output; lets go of x. */
  Var forward(Tape tape, Var x, boolean live) {
    Var a = run(reduce, tape, x, null, true, live);
    Var b = run(spatial, tape, a, null, true, live);
    a.release();
    // The shortcut's output, the largest value of the block, comes when the others are gone.
    Var residual = x;
    if (shortcut != null) {
      residual = run(shortcut, tape, x, null, false, live);
      x.release();
    }
    Var y = run(expand, tape, b, residual, true, live);
    b.release();
    residual.release();
    return y;
  }

  private static Var run(
      ConvNorm layer, Tape tape, Var x, @Nullable Var residual, boolean relu, boolean live) {
    return live
        ? layer.forwardLive(tape, x, residual, relu)
        : layer.forward(tape, x, residual, relu);
  }

  /** See {@link ConvNorm#freeze}. */
  void freeze() {
    reduce.freeze();
    spatial.freeze();
    expand.freeze();
    if (shortcut != null) {
      shortcut.freeze();
    }
  }

  @Override
  public void close() {
    reduce.close();
    spatial.close();
    expand.close();
    if (shortcut != null) {
      shortcut.close();
    }
  }
}
