package dev.wisp.benchmarks.libtorch;

import java.util.function.Supplier;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;

/** Conversions, and scopes for the thread-bound gradient mode. */
final class Tensors {
  private Tensors() {}

  /** A tensor that owns a copy of the values. */
  static Tensor of(float[] values, long... shape) {
    try (FloatPointer pointer = new FloatPointer(values);
        Tensor view = torch.from_blob(pointer, shape)) {
      return view.clone();
    }
  }

  static float[] floats(Tensor tensor) {
    try (Tensor dense = tensor.contiguous()) {
      float[] values = new float[Math.toIntExact(dense.numel())];
      dense.data_ptr_float().get(values);
      return values;
    }
  }

  static TensorOptional none() {
    return new TensorOptional();
  }

  /** Runs without recording a tape. */
  static <T> T withoutGradient(Supplier<T> task) {
    try (NoGradGuard guard = new NoGradGuard()) {
      guard.prev_mode();
      return task.get();
    }
  }
}
