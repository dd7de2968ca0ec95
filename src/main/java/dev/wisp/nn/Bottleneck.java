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

  /**
   * A block of a layer.
   *
   * @param first whether it is the layer's first, which has its stride
   */
  Bottleneck(
      ParameterFactory factory, String name, int in, ResNetConfig.Layer layer, boolean first) {
    int stride = first ? layer.stride() : 1;
    int dilation = first ? layer.firstDilation() : layer.dilation();
    int mid = layer.mid();
    int out = layer.out();
    reduce = layer(factory, name, 1, new ConvSpec(in, mid, 1, 1, 0, 1));
    spatial = layer(factory, name, 2, new ConvSpec(mid, mid, 3, stride, dilation, dilation));
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
    Var a = reduce.run(tape, x, null, true, live);
    Var b = spatial.run(tape, a, null, true, live);
    a.release();
    // The shortcut's output, the largest value of the block, comes when the others are gone.
    Var residual = x;
    if (shortcut != null) {
      residual = shortcut.run(tape, x, null, false, live);
      x.release();
    }
    Var y = expand.run(tape, b, residual, true, live);
    b.release();
    residual.release();
    return y;
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
