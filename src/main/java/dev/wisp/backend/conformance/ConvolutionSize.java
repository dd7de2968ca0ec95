package dev.wisp.backend.conformance;

import dev.wisp.backend.ConvSpec;
import dev.wisp.tensor.Tensor;

/** A convolution and its input's sizes. */
record ConvolutionSize(ConvSpec spec, int n, int h, int w) {
  long[] in() {
    return new long[] {n, h, w, spec.inChannels()};
  }

  long[] out() {
    return new long[] {n, spec.outSize(h), spec.outSize(w), spec.outChannels()};
  }

  long[] weight() {
    return new long[] {spec.outChannels(), spec.inChannels(), spec.kernel(), spec.kernel()};
  }

  /** Weights of a size that keeps outputs near 1. */
  Tensor weights(Trial t) {
    double bound = Math.sqrt(3.0 / spec.inChannels()) / spec.kernel();
    return t.uniform(-bound, bound, weight());
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
