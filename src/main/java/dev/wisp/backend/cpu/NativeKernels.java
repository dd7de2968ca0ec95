package dev.wisp.backend.cpu;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The functions of native/include/wisp.h, one handle each, to be used with {@code invokeExact}
 * inside {@link Call#run}. Its class initialiser needs a loaded {@link NativeLibrary}.
 */
final class NativeKernels {
  static final MethodHandle ISA = status("wisp_isa", ADDRESS);
  static final MethodHandle SET_THREADS = status("wisp_set_threads", JAVA_INT);
  static final MethodHandle THREADS = status("wisp_threads");
  static final MethodHandle ALLOC = status("wisp_alloc", JAVA_LONG, ADDRESS);
  static final MethodHandle FREE = action("wisp_free", ADDRESS);
  private static final MethodHandle ERROR_MESSAGE = pointer("wisp_error_message");

  static final MethodHandle FILL = status("wisp_fill", ADDRESS, JAVA_FLOAT, JAVA_LONG);
  static final MethodHandle ADD_SCALED =
      status("wisp_add_scaled", JAVA_FLOAT, ADDRESS, ADDRESS, JAVA_LONG);
  static final MethodHandle RELU = status("wisp_relu", ADDRESS, ADDRESS, JAVA_LONG);
  static final MethodHandle RELU_BACKWARD =
      status("wisp_relu_backward", ADDRESS, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG);

  static final MethodHandle STRUCTURE_SEEDS =
      status(
          "wisp_structure_seeds",
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          JAVA_INT,
          ADDRESS,
          JAVA_FLOAT,
          ADDRESS,
          ADDRESS);
  static final MethodHandle PROTOTYPES =
      status(
          "wisp_prototypes",
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          JAVA_INT,
          ADDRESS);
  static final MethodHandle PROTOTYPES_BACKWARD =
      status(
          "wisp_prototypes_backward",
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          JAVA_INT,
          ADDRESS);
  static final MethodHandle REACTIVATE =
      status(
          "wisp_reactivate",
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS);
  static final MethodHandle REACTIVATE_BACKWARD =
      status(
          "wisp_reactivate_backward",
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS);

  static final MethodHandle PAMR_AFFINITY =
      status(
          "wisp_pamr_affinity",
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          ADDRESS,
          JAVA_LONG,
          JAVA_FLOAT,
          ADDRESS,
          ADDRESS,
          ADDRESS);
  static final MethodHandle PAMR_STEPS =
      status(
          "wisp_pamr_steps",
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          ADDRESS,
          JAVA_LONG,
          ADDRESS,
          ADDRESS);

  static final MethodHandle PILLOW_BICUBIC =
      status(
          "wisp_pillow_bicubic",
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG);
  static final MethodHandle PILLOW_NEAREST =
      status("wisp_pillow_nearest", ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG);

  private NativeKernels() {}

  /** The reason of the calling thread's last failure. */
  static String errorMessage() {
    try {
      MemorySegment text = (MemorySegment) ERROR_MESSAGE.invokeExact();
      return text.reinterpret(Long.MAX_VALUE).getString(0);
    } catch (Throwable impossible) {
      throw new AssertionError("wisp_error_message", impossible);
    }
  }

  private static MethodHandle status(String name, MemoryLayout... arguments) {
    return handle(name, FunctionDescriptor.of(JAVA_INT, arguments));
  }

  private static MethodHandle pointer(String name, MemoryLayout... arguments) {
    return handle(name, FunctionDescriptor.of(ADDRESS, arguments));
  }

  private static MethodHandle action(String name, MemoryLayout... arguments) {
    return handle(name, FunctionDescriptor.ofVoid(arguments));
  }

  private static MethodHandle handle(String name, FunctionDescriptor descriptor) {
    return Linker.nativeLinker().downcallHandle(NativeLibrary.symbol(name), descriptor);
  }
}
