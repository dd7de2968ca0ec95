package dev.wisp.backend;

import dev.wisp.tensor.DType;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Supplier;

/**
 * One compute device. Conventions of every operation:
 *
 * <ul>
 *   <li>Inputs come first, outputs last; outputs are allocated by the caller, fully overwritten
 *       unless the operation says it accumulates, and must not overlap an input unless the
 *       operation allows it.
 *   <li>Shapes, element types and liveness are checked before any native call; a violation is an
 *       {@link IllegalArgumentException} (shape, type, overlap, memory of another backend) or
 *       {@link IllegalStateException} (released tensor, closed backend, wrong thread) whose message
 *       names the operation and the shapes.
 *   <li>Floats are F32. Where an operation says so it takes F16 too, of backends that {@link
 *       #takesF16}; others refuse it as they refuse any other type. Arithmetic on F16 is float32's;
 *       a result is rounded to the nearest F16, ties to even, when it is stored.
 *   <li>Tensors without elements go through. A call that needs the mean, the maximum or a pixel of
 *       nothing is an {@link IllegalArgumentException}.
 *   <li>A class id or position in an I32 input that names nothing is passed over, never followed.
 *   <li>Sums have a fixed order: the same inputs on the same device give the same bits, whatever
 *       the timing of threads.
 *   <li>Everything runs on the backend's compute thread: call operations inside {@link #compute}.
 * </ul>
 */
public interface Backend
    extends ConvolutionOps,
        NormOps,
        ResizeOps,
        PointwiseOps,
        MapOps,
        SeedOps,
        PamrOps,
        CrfOps,
        SegmentationOps,
        GroupNormOps,
        IrnOps,
        OptimizerOps,
        AutoCloseable {

  /** Name by which users choose it: {@code cpu}, {@code cuda}. */
  String name();

  /** One line for bug reports: device, instruction set or driver, threads. */
  String describe();

  /** A new scope over this backend's memory. */
  Scope scope();

  /**
   * Runs a task on the compute thread and waits for it; runs it at once when called from that
   * thread. An exception of the task is rethrown as it is.
   */
  <T> T compute(Callable<T> task);

  /** Like {@link #compute(Callable)} for a task without a result. */
  default void run(Runnable task) {
    compute(
        () -> {
          task.run();
          return Boolean.TRUE;
        });
  }

  /**
   * What the device could do at best, where that is known: on the CPU it is not, and of the
   * software CUDA device it would mean nothing.
   */
  default Optional<DevicePeak> peak() {
    return Optional.empty();
  }

  /** The arithmetic of the convolutions at present. */
  default Precision precision() {
    return Precision.FLOAT32;
  }

  /**
   * Asks for the arithmetic of the convolutions from now on. A device that has no other stays with
   * float32.
   *
   * @return whether convolutions are computed so
   */
  default boolean setPrecision(Precision precision) {
    return precision == Precision.FLOAT32;
  }

  /** Whether there are F16 tensors here. */
  default boolean takesF16() {
    return false;
  }

  /**
   * In which type an encoder keeps its activations and their gradients at present, F32 or F16: F16
   * while convolutions are computed of it anyway.
   */
  default DType activations() {
    return DType.F32;
  }

  /** Bytes of device memory in use, and the highest value so far. */
  MemoryStatistics memoryStatistics();

  /** Copies host values into a tensor; lengths must agree. */
  void upload(float[] source, Tensor target);

  /**
   * Copies the first {@code count} host values to elements {@code at .. at + count - 1} of an F32
   * tensor.
   */
  void upload(float[] source, int count, Tensor target, long at);

  /** Copies host values into an I32 tensor; lengths must agree. */
  void upload(int[] source, Tensor target);

  /** Copies host bytes into a U8 tensor; lengths must agree. */
  void upload(byte[] source, Tensor target);

  /**
   * Says that these values will be uploaded, unchanged, by the next {@link #upload(float[],
   * Tensor)} of this very array: a device with memory of its own copies them while it computes.
   */
  default void prefetch(float[] source) {}

  /** The elements of an F32 tensor. */
  float[] floats(Tensor source);

  /**
   * The elements of an F32 tensor as what was called so far leaves them, to be asked for later and
   * from any thread: of a few values a device with a queue of its own waits only then.
   */
  default Supplier<float[]> read(Tensor source) {
    float[] values = floats(source);
    return () -> values;
  }

  /** Copies elements {@code at .. at + count - 1} of an F32 tensor to the start of a host array. */
  void download(Tensor source, long at, float[] target, int count);

  /** The elements of an I32 tensor. */
  int[] ints(Tensor source);

  /** Waits for outstanding work, then frees pools and stops the compute thread. Idempotent. */
  @Override
  void close();
}
