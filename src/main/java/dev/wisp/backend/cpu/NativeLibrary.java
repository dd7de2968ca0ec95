package dev.wisp.backend.cpu;

import dev.wisp.common.WispException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
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
  static final String CACHE_PROPERTY = "wisp.cache";
  static final String RESOURCE = "/dev/wisp/native/linux-x86_64/libwisp.so";

  /** {@code WISP_ABI} of native/include/wisp.h, the version these bindings are written for. */
  static final int ABI = 2;

  private static final int RTLD_NOW = 2;
  private static @Nullable SymbolLookup symbols;

  private NativeLibrary() {}

  /** Opens the library if it is not open yet. */
  static synchronized void load() {
    if (symbols == null) {
      symbols = open(System.getProperty(PROPERTY), System.getenv(VARIABLE), candidates(), RESOURCE);
    }
  }

  /** The address of an exported function. */
  static synchronized MemorySegment symbol(String name) {
    if (symbols == null) {
      throw new IllegalStateException("the native library is not loaded; open a CpuBackend first");
    }
    return symbols.findOrThrow(name);
  }

  /** Folders the copy on the class path may be extracted to, best first. */
  private static List<Path> candidates() {
    List<Path> folders = new ArrayList<>();
    String chosen = System.getProperty(CACHE_PROPERTY);
    if (chosen != null) {
      folders.add(Path.of(chosen));
    }
    String cache = System.getenv("XDG_CACHE_HOME");
    folders.add(
        (cache == null || cache.isBlank()
                ? Path.of(System.getProperty("user.home"), ".cache")
                : Path.of(cache))
            .resolve("wisp"));
    folders.add(Path.of(System.getProperty("java.io.tmpdir"), "wisp-" + user()));
    return folders;
  }

  private static String user() {
    return System.getProperty("user.name", "user").replaceAll("[^A-Za-z0-9._-]", "_");
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

  /** Writes the library under a name made of its hash, atomically; an equal file stays. */
  static Path extract(byte[] content, Path folder) throws IOException {
    String hash;
    try {
      hash = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    } catch (NoSuchAlgorithmException impossible) {
      throw new AssertionError(impossible);
    }
    Files.createDirectories(folder);
    Path target = folder.resolve("libwisp-" + hash.substring(0, 16) + ".so");
    if (Files.exists(target) && Arrays.equals(Files.readAllBytes(target), content)) {
      return target;
    }
    Path temporary = Files.createTempFile(folder, "libwisp-", ".part");
    try {
      try (FileChannel out = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
        ByteBuffer bytes = ByteBuffer.wrap(content);
        while (bytes.hasRemaining()) {
          out.write(bytes);
        }
        out.force(true);
      }
      Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(temporary);
    }
    return target;
  }

  /** Opens one file and compares its ABI; says why not in {@code tried} and returns null. */
  private static @Nullable SymbolLookup tryOpen(Path file, List<String> tried) {
    try {
      Linker linker = Linker.nativeLinker();
      SymbolLookup libc = linker.defaultLookup();
      MemorySegment handle;
      // Bound and called first: binding it later would look symbols up, which resets the error.
      MethodHandle dlerror =
          linker.downcallHandle(
              libc.findOrThrow("dlerror"), FunctionDescriptor.of(ValueLayout.ADDRESS));
      lastError(dlerror);
      try (Arena arena = Arena.ofConfined()) {
        handle = dlopen(linker, libc, arena.allocateFrom(file.toString()));
      }
      if (handle.address() == 0) {
        // The linker's words begin with the file's name, except when it found no words.
        String words = lastError(dlerror);
        tried.add(words.startsWith(file.toString()) ? words : file + ": " + words);
        return null;
      }
      MemorySegment library = handle;
      SymbolLookup lookup = name -> find(linker, libc, library, name);
      if (lookup.find("wisp_abi").isEmpty()) {
        tried.add(file + ": has no wisp_abi: it is another library");
        return null;
      }
      int abi = abi(linker, lookup);
      if (abi != ABI) {
        tried.add("%s: has ABI %d, this build needs %d".formatted(file, abi, ABI));
        return null;
      }
      return lookup;
    } catch (IllegalCallerException denied) {
      throw new WispException(
          "native access is denied: start java with " + NativeRuntime.ACCESS_FLAG, denied);
    }
  }

  private static int abi(Linker linker, SymbolLookup lookup) {
    MethodHandle abi =
        linker.downcallHandle(
            lookup.findOrThrow("wisp_abi"), FunctionDescriptor.of(ValueLayout.JAVA_INT));
    try {
      return (int) abi.invokeExact();
    } catch (Throwable impossible) {
      throw new AssertionError("wisp_abi", impossible);
    }
  }

  /** {@code dlopen} itself, because {@link SymbolLookup} hides the linker's own words. */
  private static MemorySegment dlopen(Linker linker, SymbolLookup libc, MemorySegment path) {
    MethodHandle dlopen =
        linker.downcallHandle(
            libc.findOrThrow("dlopen"),
            FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
    try {
      return (MemorySegment) dlopen.invokeExact(path, RTLD_NOW);
    } catch (Throwable impossible) {
      throw new AssertionError("dlopen", impossible);
    }
  }

  private static Optional<MemorySegment> find(
      Linker linker, SymbolLookup libc, MemorySegment library, String name) {
    MethodHandle dlsym =
        linker.downcallHandle(
            libc.findOrThrow("dlsym"),
            FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.ADDRESS));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment symbol = (MemorySegment) dlsym.invokeExact(library, arena.allocateFrom(name));
      return symbol.address() == 0 ? Optional.empty() : Optional.of(symbol);
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
