package dev.wisp.backend.cpu;

import dev.wisp.backend.*;
import dev.wisp.tensor.*;
import java.util.*;
import org.jspecify.annotations.Nullable;

/** Convolutions by oneDNN. */
final class DnnlConvolutions {
  private final CpuContext context;

  DnnlConvolutions(CpuContext context) {
    this.context = context;
  }

  ConvWeights convWeights(ConvSpec spec) {
    context.require("convWeights");
    throw new UnsupportedOperationException("convWeights");
  }

  void loadWeights(ConvWeights target, Tensor weight, @Nullable Tensor scale) {
    context.require("loadWeights");
    throw new UnsupportedOperationException("loadWeights");
  }

  void convForward(
      ConvWeights weights,
      Tensor x,
      @Nullable Tensor bias,
      @Nullable Tensor residual,
      boolean relu,
      Tensor y) {
    context.require("convForward");
    throw new UnsupportedOperationException("convForward");
  }

  void convBackwardData(ConvWeights weights, Tensor dy, Tensor dx) {
    context.require("convBackwardData");
    throw new UnsupportedOperationException("convBackwardData");
  }

  void convBackwardWeights(ConvSpec spec, Tensor x, Tensor dy, Tensor dw, @Nullable Tensor db) {
    context.require("convBackwardWeights");
    throw new UnsupportedOperationException("convBackwardWeights");
  }

  void close() {}
}
