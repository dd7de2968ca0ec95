package dev.wisp.backend.cuda;

import dev.wisp.common.WispException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The kernel files of one backend, each compiled and loaded when its first kernel is launched. */
final class CudaModules {
  private static final Logger LOG = LoggerFactory.getLogger(CudaModules.class);

  /** CU_JIT_INFO_LOG_BUFFER and its size, CU_JIT_ERROR_LOG_BUFFER and its size. */
  private static final int[] LOG_OPTIONS = {3, 4, 5, 6};

  private static final int ERROR_BUFFER = 2;
  private static final int LOG_BYTES = 16 << 10;

  private final CudaStatus status;
  private final CudaCompiler compiler;
  private final Map<String, Module> modules = new HashMap<>();
  private boolean parametersUnchecked;

  private record Module(CudaSource source, long handle) {}

  CudaModules(CudaStatus status, CudaCompiler compiler) {
    this.status = status;
    this.compiler = compiler;
  }

  /**
   * The handle of a kernel whose declaration agrees with its source and with the compiled function.
   *
   * @throws WispException if the file does not compile or the driver refuses it
   * @throws IllegalStateException naming kernel and parameter, if the declaration is wrong
   */
  long function(CudaKernel kernel) {
    Module module = modules.computeIfAbsent(kernel.file(), this::load);
    requireDeclared(kernel, module.source());
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment result = arena.allocate(ValueLayout.JAVA_LONG);
      status.check(
          CudaDriverApi.moduleGetFunction(
              result, module.handle(), arena.allocateFrom(kernel.name())),
          "cuModuleGetFunction",
          kernel.name() + " in " + module.source().fileName());
      long function = result.get(ValueLayout.JAVA_LONG, 0);
      requireParameters(kernel, function, arena);
      return function;
    }
  }

  private Module load(String file) {
    CudaSource source = CudaSource.load(file);
    return new Module(source, load(source.fileName(), compiler.compile(source)));
  }

  /** {@code cuModuleLoadDataEx}; a refusal carries what the driver's own compiler said. */
  private long load(String name, byte[] image) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment options = arena.allocateFrom(ValueLayout.JAVA_INT, LOG_OPTIONS);
      MemorySegment values = arena.allocate(ValueLayout.ADDRESS, LOG_OPTIONS.length);
      MemorySegment errors = MemorySegment.NULL;
      for (int i = 0; i < LOG_OPTIONS.length; i += 2) {
        MemorySegment buffer = arena.allocate(LOG_BYTES);
        values.setAtIndex(ValueLayout.ADDRESS, i, buffer);
        values.setAtIndex(ValueLayout.ADDRESS, i + 1, MemorySegment.ofAddress(LOG_BYTES));
        if (i == ERROR_BUFFER) {
          errors = buffer;
        }
      }
      MemorySegment module = arena.allocate(ValueLayout.JAVA_LONG);
      int code =
          CudaDriverApi.moduleLoad(
              module,
              arena.allocateFrom(ValueLayout.JAVA_BYTE, image),
              LOG_OPTIONS.length,
              options,
              values);
      if (code != 0) {
        String log = errors.getString(0).replaceAll("\\s+", " ").strip();
        throw status.failure(
            code,
            "cuModuleLoadDataEx",
            "%s for %s%s".formatted(name, compiler.code(), log.isEmpty() ? "" : ": " + log));
      }
      return module.get(ValueLayout.JAVA_LONG, 0);
    }
  }

  private static void requireDeclared(CudaKernel kernel, CudaSource source) {
    List<CudaParameter> defined = source.parameters(kernel.name());
    if (defined == null) {
      throw new IllegalStateException(
          "%s does not define %s in plain text".formatted(source.fileName(), kernel.name()));
    }
    List<CudaParameter> declared = kernel.parameters();
    for (int i = 0; i < Math.max(defined.size(), declared.size()); i++) {
      String here = i < declared.size() ? declared.get(i).toString() : "nothing";
      String there = i < defined.size() ? defined.get(i).toString() : "nothing";
      if (!here.equals(there)) {
        throw new IllegalStateException(
            "%s: parameter %d of %s is %s, but %s is passed"
                .formatted(source.fileName(), i, kernel.name(), there, here));
      }
    }
  }

  private void requireParameters(CudaKernel kernel, long function, Arena arena) {
    if (!CudaDriverApi.knowsParameters()) {
      if (!parametersUnchecked) {
        parametersUnchecked = true;
        LOG.info(
            "this driver has no cuFuncGetParamInfo (CUDA 12.4): parameter blocks are compared with"
                + " the sources alone");
      }
      return;
    }
    MemorySegment offset = arena.allocate(ValueLayout.JAVA_LONG);
    MemorySegment size = arena.allocate(ValueLayout.JAVA_LONG);
    List<CudaParameter> declared = kernel.parameters();
    List<Integer> offsets = CudaParameter.offsets(declared);
    for (int i = 0; i < declared.size(); i++) {
      int code = CudaDriverApi.funcGetParamInfo(function, i, offset, size);
      if (code != 0) {
        throw new IllegalStateException(
            "%s has no parameter %d (%s): %s"
                .formatted(kernel.name(), i, declared.get(i), CudaDriverApi.describe(code)));
      }
      long actualOffset = offset.get(ValueLayout.JAVA_LONG, 0);
      long actualSize = size.get(ValueLayout.JAVA_LONG, 0);
      if (actualOffset != offsets.get(i) || actualSize != declared.get(i).kind().bytes()) {
        throw new IllegalStateException(
            "parameter %d of %s has %d bytes at offset %d, but %s has %d at %d"
                .formatted(
                    i,
                    kernel.name(),
                    actualSize,
                    actualOffset,
                    declared.get(i),
                    declared.get(i).kind().bytes(),
                    offsets.get(i)));
      }
    }
    if (CudaDriverApi.funcGetParamInfo(function, declared.size(), offset, size) == 0) {
      throw new IllegalStateException(
          "%s has more than the %d parameters declared".formatted(kernel.name(), declared.size()));
    }
  }

  /** Lets a kernel use more dynamic shared memory than every card gives unasked. */
  void allowShared(CudaKernel kernel, long function, int bytes) {
    status.check(
        CudaDriverApi.funcSetAttribute(
            function, CudaDriverApi.MAX_DYNAMIC_SHARED_SIZE_BYTES, bytes),
        "cuFuncSetAttribute",
        "%d bytes of shared memory for %s".formatted(bytes, kernel.name()));
  }

  /** Unloads everything; after the stream was drained. */
  void close() {
    for (Module module : modules.values()) {
      int code = CudaDriverApi.moduleUnload(module.handle());
      if (code != 0 && !status.isBroken()) {
        LOG.debug("{} was not unloaded: {}", module.source().fileName(), code);
      }
    }
    modules.clear();
  }
}
