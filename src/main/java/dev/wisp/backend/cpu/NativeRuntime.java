package dev.wisp.backend.cpu;

import dev.wisp.backend.support.SharedLibrary;
import dev.wisp.common.WispException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Map;
import org.bytedeco.javacpp.Loader;

/**
 * Loads the native libraries, once per process and in the one order that works: first OpenMP's
 * environment, then oneDNN with the libgomp it brings, then our library, whose libgomp.so.1
 * resolves to the one already loaded. Two OpenMP runtimes would spin against each other.
 */
final class NativeRuntime {
  /**
   * Read by libgomp when it is loaded. A value the user has set stays. Threads are not bound to
   * cores: the compute thread belongs to a JVM whose other threads need them too.
   */
  private static final Map<String, String> OPENMP_ENVIRONMENT =
      Map.of("OMP_DYNAMIC", "false", "OMP_PROC_BIND", "false", "OMP_MAX_ACTIVE_LEVELS", "1");

  private static boolean loaded;

  private NativeRuntime() {}

  /**
   * Loads everything. A failure leaves nothing behind: the next call tries again.
   *
   * @param threads OpenMP's thread count as far as the environment goes
   * @throws WispException in one line, if a library cannot be loaded
   */
  static synchronized void load(int threads) {
    if (loaded) {
      return;
    }
    try {
      setEnvironment(threads);
    } catch (IllegalCallerException denied) {
      throw new WispException(
          "native access is denied: start java with " + SharedLibrary.ACCESS_FLAG, denied);
    }
    loadOneDnn();
    NativeLibrary.load();
    loaded = true;
  }

  /** The tier of our kernels: {@code portable}, {@code avx2} or {@code avx512}. */
  static String instructionSet() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = arena.allocate(ValueLayout.ADDRESS);
      if ((int) NativeKernels.ISA.invokeExact(name) != 0) {
        throw new WispException(NativeKernels.errorMessage().replaceFirst("^wisp_isa: ", ""));
      }
      return name.get(ValueLayout.ADDRESS, 0).reinterpret(Long.MAX_VALUE).getString(0);
    } catch (WispException unknown) {
      throw unknown;
    } catch (Throwable impossible) {
      throw new AssertionError("wisp_isa", impossible);
    }
  }

  private static void loadOneDnn() {
    try {
      Loader.load(org.bytedeco.dnnl.global.dnnl.class);
    } catch (UnsatisfiedLinkError | NoClassDefFoundError missing) {
      throw new WispException(
          "oneDNN cannot be loaded (%s): put org.bytedeco:dnnl with its linux-x86_64 classifier on"
                  .formatted(oneLine(missing))
              + " the class path, or point -Dorg.bytedeco.javacpp.cachedir at a writable folder",
          missing);
    }
  }

  private static void setEnvironment(int threads) {
    Linker linker = Linker.nativeLinker();
    MethodHandle setenv =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("setenv"),
            FunctionDescriptor.of(
                ValueLayout.JAVA_INT,
                ValueLayout.ADDRESS,
                ValueLayout.ADDRESS,
                ValueLayout.JAVA_INT));
    try (Arena arena = Arena.ofConfined()) {
      set(setenv, arena, "OMP_NUM_THREADS", Integer.toString(threads));
      OPENMP_ENVIRONMENT.forEach((name, value) -> set(setenv, arena, name, value));
    }
  }

  private static void set(MethodHandle setenv, Arena arena, String name, String value) {
    MemorySegment key = arena.allocateFrom(name);
    MemorySegment text = arena.allocateFrom(value);
    int status;
    try {
      status = (int) setenv.invokeExact(key, text, 0);
    } catch (Throwable impossible) {
      throw new AssertionError("setenv", impossible);
    }
    if (status != 0) {
      throw new IllegalStateException("setenv refused " + name + "=" + value);
    }
  }

  static String oneLine(Throwable failure) {
    return String.valueOf(failure.getMessage()).replaceAll("\\s+", " ").strip();
  }
}
