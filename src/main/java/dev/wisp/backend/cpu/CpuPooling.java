package dev.wisp.backend.cpu;

import dev.wisp.backend.*;
import dev.wisp.tensor.*;
import java.util.*;
import org.jspecify.annotations.Nullable;

/** Max pooling. */
final class CpuPooling {
  private final CpuContext context;

  CpuPooling(CpuContext context) {
    this.context = context;
  }

  void maxPool(Tensor x, Tensor y, @Nullable Tensor index) {
    context.require("maxPool");
    throw new UnsupportedOperationException("maxPool");
  }

  void maxPoolBackward(Tensor dy, Tensor index, Tensor dx) {
    context.require("maxPoolBackward");
    throw new UnsupportedOperationException("maxPoolBackward");
  }
}
