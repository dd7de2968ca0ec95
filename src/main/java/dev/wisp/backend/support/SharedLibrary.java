package dev.wisp.backend.support;

import dev.wisp.common.WispException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A native library opened with {@code dlopen} itself, because {@link SymbolLookup} hides the
 * dynamic linker's own words. Stays open for the life of the process.
 */
public final class SharedLibrary {
  /** What Java needs to be started with. */
  public static final String ACCESS_FLAG = "--enable-native-access=ALL-UNNAMED";

  private static final int RTLD_NOW = 2;

  private final MemorySegment handle;

  private SharedLibrary(MemorySegment handle) {
    this.handle = handle;
  }

  /**
   * Opens a library.
   *
   * @param file a path, or a name that the dynamic linker searches for
   * @param tried receives "file: reason" if it cannot be opened
   * @return the library, or null if it cannot be opened
   * @throws WispException in one line, if Java was started without native access
   */
  public static @Nullable SharedLibrary open(String file, List<String> tried) {
    try {
      Linker linker = Linker.nativeLinker();
      SymbolLookup libc = linker.defaultLookup();
      MethodHandle dlopen =
          linker.downcallHandle(
              libc.findOrThrow("dlopen"),
              FunctionDescriptor.of(
                  ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
      // Bound and called first: binding it later would look symbols up, which resets the error.
      MethodHandle dlerror =
          linker.downcallHandle(
              libc.findOrThrow("dlerror"), FunctionDescriptor.of(ValueLayout.ADDRESS));
      lastError(dlerror);
      MemorySegment handle;
      try (Arena arena = Arena.ofConfined()) {
        handle = (MemorySegment) dlopen.invokeExact(arena.allocateFrom(file), RTLD_NOW);
      } catch (Throwable impossible) {
        throw new AssertionError("dlopen", impossible);
      }
      if (handle.address() == 0) {
        // The linker's words begin with the file's name, except when it found no words.
        String words = lastError(dlerror);
        tried.add(words.startsWith(file) ? words : file + ": " + words);
        return null;
      }
      return new SharedLibrary(handle);
    } catch (IllegalCallerException denied) {
      throw new WispException("native access is denied: start java with " + ACCESS_FLAG, denied);
    }
  }

  /** The address of an exported symbol; 0 if there is none of that name. */
  public long address(String symbol) {
    Linker linker = Linker.nativeLinker();
    MethodHandle dlsym =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("dlsym"),
            FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.ADDRESS));
    try (Arena arena = Arena.ofConfined()) {
      return ((MemorySegment) dlsym.invokeExact(handle, arena.allocateFrom(symbol))).address();
    } catch (Throwable impossible) {
      throw new AssertionError("dlsym", impossible);
    }
  }

  private static String lastError(MethodHandle dlerror) {
    try {
      MemorySegment text = (MemorySegment) dlerror.invokeExact();
      return text.address() == 0
          ? "dlopen failed without a reason"
          : text.reinterpret(Long.MAX_VALUE).getString(0).replaceAll("\\s+", " ").strip();
    } catch (Throwable impossible) {
      throw new AssertionError("dlerror", impossible);
    }
  }
}
