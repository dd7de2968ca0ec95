package dev.wisp.backend.cuda;

import dev.wisp.backend.support.SharedLibrary;
import dev.wisp.common.WispException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;

/** NVIDIA's run-time compiler, as a library that {@link NvrtcLibrary} has found. */
final class Nvrtc {
  private static final int COMPILATION_FAILED = 6;

  private static final MemoryLayout INT = ValueLayout.JAVA_INT;
  private static final MemoryLayout LONG = ValueLayout.JAVA_LONG;
  private static final MemoryLayout ADDRESS = ValueLayout.ADDRESS;

  private final MethodHandle getErrorString;
  private final MethodHandle createProgram;
  private final MethodHandle destroyProgram;
  private final MethodHandle compileProgram;
  private final MethodHandle getLogSize;
  private final MethodHandle getLog;
  private final MethodHandle getPtxSize;
  private final MethodHandle getPtx;
  private final MethodHandle getCubinSize;
  private final MethodHandle getCubin;
  private final String version;
  private final List<Integer> architectures;

  /**
   * Binds the library's functions.
   *
   * @throws WispException if it lacks one of them
   */
  Nvrtc(SharedLibrary library) {
    getErrorString = bind(library, "nvrtcGetErrorString", ADDRESS, INT);
    createProgram =
        bind(library, "nvrtcCreateProgram", INT, ADDRESS, ADDRESS, ADDRESS, INT, ADDRESS, ADDRESS);
    destroyProgram = bind(library, "nvrtcDestroyProgram", INT, ADDRESS);
    compileProgram = bind(library, "nvrtcCompileProgram", INT, LONG, INT, ADDRESS);
    getLogSize = bind(library, "nvrtcGetProgramLogSize", INT, LONG, ADDRESS);
    getLog = bind(library, "nvrtcGetProgramLog", INT, LONG, ADDRESS);
    getPtxSize = bind(library, "nvrtcGetPTXSize", INT, LONG, ADDRESS);
    getPtx = bind(library, "nvrtcGetPTX", INT, LONG, ADDRESS);
    getCubinSize = bind(library, "nvrtcGetCUBINSize", INT, LONG, ADDRESS);
    getCubin = bind(library, "nvrtcGetCUBIN", INT, LONG, ADDRESS);
    version = version(bind(library, "nvrtcVersion", INT, ADDRESS, ADDRESS));
    architectures =
        architectures(
            bind(library, "nvrtcGetNumSupportedArchs", INT, ADDRESS),
            bind(library, "nvrtcGetSupportedArchs", INT, ADDRESS));
  }

  private static MethodHandle bind(
      SharedLibrary library, String name, MemoryLayout result, MemoryLayout... parameters) {
    long address = library.address(name);
    if (address == 0) {
      throw new WispException("NVRTC has no %s; CUDA 12 is needed".formatted(name));
    }
    return Linker.nativeLinker()
        .downcallHandle(
            MemorySegment.ofAddress(address), FunctionDescriptor.of(result, parameters));
  }

  /** {@code 12.9}. */
  String version() {
    return version;
  }

  /** Architectures it compiles for, compute capability times ten, ascending. */
  List<Integer> architectures() {
    return architectures;
  }

  private String version(MethodHandle function) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment major = arena.allocate(ValueLayout.JAVA_INT);
      MemorySegment minor = arena.allocate(ValueLayout.JAVA_INT);
      check((int) function.invokeExact(major, minor), "nvrtcVersion");
      return major.get(ValueLayout.JAVA_INT, 0) + "." + minor.get(ValueLayout.JAVA_INT, 0);
    } catch (WispException refused) {
      throw refused;
    } catch (Throwable impossible) {
      throw new AssertionError("nvrtcVersion", impossible);
    }
  }

  private List<Integer> architectures(MethodHandle count, MethodHandle list) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment number = arena.allocate(ValueLayout.JAVA_INT);
      check((int) count.invokeExact(number), "nvrtcGetNumSupportedArchs");
      int length = number.get(ValueLayout.JAVA_INT, 0);
      MemorySegment values = arena.allocate(ValueLayout.JAVA_INT, Math.max(1, length));
      check((int) list.invokeExact(values), "nvrtcGetSupportedArchs");
      List<Integer> supported = new ArrayList<>();
      for (int i = 0; i < length; i++) {
        supported.add(values.getAtIndex(ValueLayout.JAVA_INT, i));
      }
      return List.copyOf(supported);
    } catch (WispException refused) {
      throw refused;
    } catch (Throwable impossible) {
      throw new AssertionError("nvrtcGetSupportedArchs", impossible);
    }
  }

  /**
   * Compiles a file.
   *
   * @param options as on the compiler's command line
   * @return machine code, or PTX with the 0 that ends it
   * @throws WispException with the compiler's log, which names file and line
   */
  byte[] compile(CudaSource source, CudaCode.Form form, List<String> options) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment handle = arena.allocate(ValueLayout.JAVA_LONG);
      check(
          (int)
              createProgram.invokeExact(
                  handle,
                  arena.allocateFrom(source.text()),
                  arena.allocateFrom(source.fileName()),
                  0,
                  MemorySegment.NULL,
                  MemorySegment.NULL),
          "nvrtcCreateProgram");
      long program = handle.get(ValueLayout.JAVA_LONG, 0);
      try {
        MemorySegment list = arena.allocate(ValueLayout.ADDRESS, options.size());
        for (int i = 0; i < options.size(); i++) {
          list.setAtIndex(ValueLayout.ADDRESS, i, arena.allocateFrom(options.get(i)));
        }
        int status = (int) compileProgram.invokeExact(program, options.size(), list);
        if (status == COMPILATION_FAILED) {
          throw new WispException(
              "%s does not compile (%s): %s"
                  .formatted(source.fileName(), String.join(" ", options), log(arena, program)));
        }
        check(status, "nvrtcCompileProgram of " + source.fileName());
        return form == CudaCode.Form.PTX
            ? result(arena, program, getPtxSize, getPtx)
            : result(arena, program, getCubinSize, getCubin);
      } finally {
        int destroyed = (int) destroyProgram.invokeExact(handle);
        assert destroyed == 0;
      }
    } catch (WispException refused) {
      throw refused;
    } catch (Throwable impossible) {
      throw new AssertionError("nvrtc", impossible);
    }
  }

  private String log(Arena arena, long program) throws Throwable {
    MemorySegment size = arena.allocate(ValueLayout.JAVA_LONG);
    check((int) getLogSize.invokeExact(program, size), "nvrtcGetProgramLogSize");
    MemorySegment text = arena.allocate(Math.max(1, size.get(ValueLayout.JAVA_LONG, 0)));
    check((int) getLog.invokeExact(program, text), "nvrtcGetProgramLog");
    return text.getString(0).strip();
  }

  private byte[] result(Arena arena, long program, MethodHandle sizeOf, MethodHandle get)
      throws Throwable {
    MemorySegment size = arena.allocate(ValueLayout.JAVA_LONG);
    check((int) sizeOf.invokeExact(program, size), "nvrtcGetPTXSize or nvrtcGetCUBINSize");
    MemorySegment bytes = arena.allocate(size.get(ValueLayout.JAVA_LONG, 0));
    check((int) get.invokeExact(program, bytes), "nvrtcGetPTX or nvrtcGetCUBIN");
    return bytes.toArray(ValueLayout.JAVA_BYTE);
  }

  private void check(int status, String function) {
    if (status != 0) {
      String words;
      try {
        MemorySegment text = (MemorySegment) getErrorString.invokeExact(status);
        words = text.reinterpret(Long.MAX_VALUE).getString(0);
      } catch (Throwable impossible) {
        throw new AssertionError("nvrtcGetErrorString", impossible);
      }
      throw new WispException("%s failed: %s".formatted(function, words));
    }
  }
}
