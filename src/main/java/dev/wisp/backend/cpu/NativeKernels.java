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
