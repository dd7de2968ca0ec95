package dev.wisp.backend.cuda;

import dev.wisp.backend.ConvSpec;
import dev.wisp.tensor.Shape;

/**
 * A convolution of an input {@code [n, h, w, I]}.
 *
 * @param n images
 * @param h height of the input
 * @param w width of the input
 */
record ConvolutionSizes(ConvSpec spec, long n, long h, long w) {
  static ConvolutionSizes of(ConvSpec spec, Shape x) {
    return new ConvolutionSizes(spec, x.size(0), x.size(1), x.size(2));
  }

  /** Shape of the output. */
  long[] out() {
    return new long[] {n, spec.outSize(h), spec.outSize(w), spec.outChannels()};
  }

  /** Positions of all inputs. */
  long inputs() {
    return n * h * w;
  }

  /** Positions of all outputs. */
  long outputs() {
    return n * spec.outSize(h) * spec.outSize(w);
  }

  /** Elements of the input. */
  long inputElements() {
    return inputs() * spec.inChannels();
  }

  /** Elements of the output. */
  long outputElements() {
    return outputs() * spec.outChannels();
  }

  /** Weights of one input and output channel. */
  long taps() {
    return (long) spec.kernel() * spec.kernel();
  }

  @Override
  public String toString() {
    return "%d->%d kernel %d stride %d padding %d dilation %d, input %dx%dx%d"
        .formatted(
            spec.inChannels(),
            spec.outChannels(),
            spec.kernel(),
            spec.stride(),
            spec.padding(),
            spec.dilation(),
            n,
            h,
            w);
  }
}
