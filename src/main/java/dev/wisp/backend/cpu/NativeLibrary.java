package dev.wisp.backend.cpu;

import dev.wisp.backend.support.CacheFolders;
import dev.wisp.backend.support.SharedLibrary;
import dev.wisp.common.WispException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Finds and opens libwisp.so: the file named by the system property {@value #PROPERTY} or the
 * environment variable {@value #VARIABLE}, else the copy on the class path, extracted to a cache
 * folder under a name that contains its hash. Stays open for the life of the process.
 */
final class NativeLibrary {
  static final String PROPERTY = "wisp.native.library";
  static final String VARIABLE = "WISP_NATIVE_LIBRARY";
  static final String RESOURCE = "/dev/wisp/native/linux-x86_64/libwisp.so";

  /** {@code WISP_ABI} of native/include/wisp.h, the version these bindings are written for. */
  static final int ABI = 3;

  private static @Nullable SymbolLookup symbols;

  private NativeLibrary() {}

  /** Opens the library if it is not open yet. */
  static synchronized void load() {
    if (symbols == null) {
      symbols =
          open(
              System.getProperty(PROPERTY),
              System.getenv(VARIABLE),
              CacheFolders.candidates(),
              RESOURCE);
    }
  }

  /** The address of an exported function. */
  static synchronized MemorySegment symbol(String name) {
    if (symbols == null) {
      throw new IllegalStateException("the native library is not loaded; open a CpuBackend first");
    }
    return symbols.findOrThrow(name);
  }

  /**
   * Opens the library of the override if there is one, else of the resource. All places are listed
   * in the message when none works.
   */
  static SymbolLookup open(
      @Nullable String property,
      @Nullable String variable,
      List<Path> cacheFolders,
      String resource) {
    String override = property != null ? property : variable;
    if (override != null) {
      String origin = property != null ? PROPERTY : VARIABLE;
      List<String> tried = new ArrayList<>();
      SymbolLookup opened = tryOpen(Path.of(override), tried);
      if (opened == null) {
        throw new WispException(
            "the native library named by %s cannot be used: %s; correct or unset %s"
                .formatted(origin, String.join("; ", tried), origin));
      }
      return opened;
    }
    byte[] content = read(resource);
    List<String> tried = new ArrayList<>();
    for (Path folder : cacheFolders) {
      try {
        SymbolLookup opened = tryOpen(extract(content, folder), tried);
        if (opened != null) {
          return opened;
        }
      } catch (IOException unusable) {
        tried.add(folder + ": cannot extract there: " + NativeRuntime.oneLine(unusable));
      }
    }
    throw new WispException(
        "the native library cannot be loaded: %s; build it anew, or name a working one with -D%s"
            .formatted(String.join("; ", tried), PROPERTY));
  }

  private static byte[] read(String resource) {
    try (InputStream in = NativeLibrary.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new WispException(
            "the native library %s is not on the class path (this build has none for %s %s); name one with -D%s"
                .formatted(
                    resource,
                    System.getProperty("os.name"),
                    System.getProperty("os.arch"),
                    PROPERTY));
      }
      return in.readAllBytes();
    } catch (IOException unreadable) {
      throw new WispException(
          "the native library %s cannot be read from the class path: %s"
              .formatted(resource, NativeRuntime.oneLine(unreadable)),
          unreadable);
    }
  }

  /** Writes the library under a name made of its hash; an equal file stays. */
  static Path extract(byte[] content, Path folder) throws IOException {
    String hash = CacheFolders.hash(content);
    return CacheFolders.store(folder, "libwisp-" + hash.substring(0, 16) + ".so", content);
  }

  /** Opens one file and compares its ABI; says why not in {@code tried} and returns null. */
  private static @Nullable SymbolLookup tryOpen(Path file, List<String> tried) {
    SharedLibrary library = SharedLibrary.open(file.toString(), tried);
    if (library == null) {
      return null;
    }
    SymbolLookup lookup = name -> find(library, name);
    if (lookup.find("wisp_abi").isEmpty()) {
      tried.add(file + ": has no wisp_abi: it is another library");
      return null;
    }
    int abi = abi(lookup);
    if (abi != ABI) {
      tried.add("%s: has ABI %d, this build needs %d".formatted(file, abi, ABI));
      return null;
    }
    return lookup;
  }

  private static Optional<MemorySegment> find(SharedLibrary library, String name) {
    long address = library.address(name);
    return address == 0 ? Optional.empty() : Optional.of(MemorySegment.ofAddress(address));
  }

  private static int abi(SymbolLookup lookup) {
    MethodHandle abi =
        Linker.nativeLinker()
            .downcallHandle(
                lookup.findOrThrow("wisp_abi"), FunctionDescriptor.of(ValueLayout.JAVA_INT));
    try {
      return (int) abi.invokeExact();
    } catch (Throwable impossible) {
      throw new AssertionError("wisp_abi", impossible);
    }
  }
}
