package dev.wisp.backend.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;

/**
 * The functions of libcuda.so.1 that are bound here rather than by JCuda: modules, functions and
 * launches. Every function returns the driver's status. Handles are plain 64-bit values. Touch this
 * class only where {@link CudaLibrary} has found the library.
 */
final class CudaDriverApi {
  /** {@code CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK}. */
  static final int MAX_THREADS_PER_BLOCK = 0;

  /** {@code CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES}. */
  static final int MAX_DYNAMIC_SHARED_SIZE_BYTES = 8;

  private static final MemoryLayout INT = ValueLayout.JAVA_INT;
  private static final MemoryLayout LONG = ValueLayout.JAVA_LONG;
  private static final MemoryLayout ADDRESS = ValueLayout.ADDRESS;

  private static final MethodHandle MODULE_LOAD =
      bind("cuModuleLoadDataEx", INT, ADDRESS, ADDRESS, INT, ADDRESS, ADDRESS);
  private static final MethodHandle MODULE_UNLOAD = bind("cuModuleUnload", INT, LONG);
  private static final MethodHandle MODULE_GET_FUNCTION =
      bind("cuModuleGetFunction", INT, ADDRESS, LONG, ADDRESS);
  private static final @Nullable MethodHandle FUNC_GET_PARAM_INFO =
      bindIfPresent("cuFuncGetParamInfo", INT, LONG, LONG, ADDRESS, ADDRESS);
  private static final MethodHandle FUNC_SET_ATTRIBUTE =
      bind("cuFuncSetAttribute", INT, LONG, INT, INT);
  private static final MethodHandle FUNC_GET_ATTRIBUTE =
      bind("cuFuncGetAttribute", INT, ADDRESS, INT, LONG);
  private static final MethodHandle LAUNCH_KERNEL =
      bind("cuLaunchKernel", INT, LONG, INT, INT, INT, INT, INT, INT, INT, LONG, ADDRESS, ADDRESS);
  private static final MethodHandle GET_ERROR_NAME = bind("cuGetErrorName", INT, INT, ADDRESS);
  private static final MethodHandle GET_ERROR_STRING = bind("cuGetErrorString", INT, INT, ADDRESS);

  private CudaDriverApi() {}

  private static MethodHandle bind(String name, MemoryLayout result, MemoryLayout... parameters) {
    MethodHandle handle = bindIfPresent(name, result, parameters);
    if (handle == null) {
      throw new IllegalStateException("libcuda.so.1 has no " + name);
    }
    return handle;
  }

  private static @Nullable MethodHandle bindIfPresent(
      String name, MemoryLayout result, MemoryLayout... parameters) {
    long address = CudaLibrary.address(name);
    return address == 0
        ? null
        : Linker.nativeLinker()
            .downcallHandle(
                MemorySegment.ofAddress(address), FunctionDescriptor.of(result, parameters));
  }

  /**
   * {@code cuModuleLoadDataEx}.
   *
   * @param module receives the handle, 8 bytes
   * @param image a CUBIN, or PTX ending in 0
   * @param options {@code count} ints, with {@code values} as many pointer-sized values
   */
  static int moduleLoad(
      MemorySegment module,
      MemorySegment image,
      int count,
      MemorySegment options,
      MemorySegment values) {
    try {
      return (int) MODULE_LOAD.invokeExact(module, image, count, options, values);
    } catch (Throwable impossible) {
      throw new AssertionError("cuModuleLoadDataEx", impossible);
    }
  }

  static int moduleUnload(long module) {
    try {
      return (int) MODULE_UNLOAD.invokeExact(module);
    } catch (Throwable impossible) {
      throw new AssertionError("cuModuleUnload", impossible);
    }
  }

  /** {@code cuModuleGetFunction}; {@code function} receives the handle, 8 bytes. */
  static int moduleGetFunction(MemorySegment function, long module, MemorySegment name) {
    try {
      return (int) MODULE_GET_FUNCTION.invokeExact(function, module, name);
    } catch (Throwable impossible) {
      throw new AssertionError("cuModuleGetFunction", impossible);
    }
  }

  /** Whether the driver can tell a function's parameters: since CUDA 12.4. */
  static boolean knowsParameters() {
    return FUNC_GET_PARAM_INFO != null;
  }

  /**
   * {@code cuFuncGetParamInfo}, where {@link #knowsParameters}; an index past the last parameter is
   * answered with status 1.
   */
  static int funcGetParamInfo(long function, long index, MemorySegment offset, MemorySegment size) {
    MethodHandle handle = FUNC_GET_PARAM_INFO;
    if (handle == null) {
      throw new IllegalStateException("libcuda.so.1 has no cuFuncGetParamInfo");
    }
    try {
      return (int) handle.invokeExact(function, index, offset, size);
    } catch (Throwable impossible) {
      throw new AssertionError("cuFuncGetParamInfo", impossible);
    }
  }

  static int funcSetAttribute(long function, int attribute, int value) {
    try {
      return (int) FUNC_SET_ATTRIBUTE.invokeExact(function, attribute, value);
    } catch (Throwable impossible) {
      throw new AssertionError("cuFuncSetAttribute", impossible);
    }
  }

  /** {@code cuFuncGetAttribute}; {@code value} receives 4 bytes. */
  static int funcGetAttribute(MemorySegment value, int attribute, long function) {
    try {
      return (int) FUNC_GET_ATTRIBUTE.invokeExact(value, attribute, function);
    } catch (Throwable impossible) {
      throw new AssertionError("cuFuncGetAttribute", impossible);
    }
  }

  /** {@code cuLaunchKernel}; {@code arguments} points to each argument's value. */
  static int launch(
      long function,
      int gridX,
      int gridY,
      int gridZ,
      int blockX,
      int blockY,
      int blockZ,
      int sharedBytes,
      long stream,
      MemorySegment arguments) {
    try {
      return (int)
          LAUNCH_KERNEL.invokeExact(
              function,
              gridX,
              gridY,
              gridZ,
              blockX,
              blockY,
              blockZ,
              sharedBytes,
              stream,
              arguments,
              MemorySegment.NULL);
    } catch (Throwable impossible) {
      throw new AssertionError("cuLaunchKernel", impossible);
    }
  }

  /** The driver's name and words for a status: {@code CUDA_ERROR_X (words)}. */
  static String describe(int status) {
    String name = text(GET_ERROR_NAME, status);
    String words = text(GET_ERROR_STRING, status);
    return name.isEmpty() ? "error " + status : words.isEmpty() ? name : name + " (" + words + ")";
  }

  private static String text(MethodHandle function, int status) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment result = arena.allocate(ValueLayout.ADDRESS);
      int known = (int) function.invokeExact(status, result);
      MemorySegment text = result.get(ValueLayout.ADDRESS, 0);
      return known != 0 || text.address() == 0 ? "" : text.reinterpret(Long.MAX_VALUE).getString(0);
    } catch (Throwable impossible) {
      throw new AssertionError("cuGetErrorName", impossible);
    }
  }
}
