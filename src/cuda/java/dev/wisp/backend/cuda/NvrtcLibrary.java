package dev.wisp.backend.cuda;

import dev.wisp.backend.support.CacheFolders;
import dev.wisp.backend.support.SharedLibrary;
import dev.wisp.common.WispException;
import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Finds NVRTC: the file or folder named by the system property {@value #PROPERTY} or the
 * environment variable {@value #VARIABLE}; else an installed CUDA 12; else the copy on the class
 * path, extracted to a cache folder. Opened once per process.
 */
final class NvrtcLibrary {
  static final String PROPERTY = "wisp.cuda.nvrtc";
  static final String VARIABLE = "WISP_NVRTC";
  private static final String NAME = "libnvrtc.so.12";

  /** What NVRTC opens itself, by name: opened first, its folder need not be searched. */
  private static final String BUILTINS = "libnvrtc-builtins.so";

  private static final String RESOURCES = "/org/bytedeco/cuda/linux-x86_64/";
  private static final String BUILTINS_RESOURCE = BUILTINS + ".12.9";
  private static @Nullable Nvrtc opened;

  private NvrtcLibrary() {}

  /**
   * The compiler.
   *
   * @throws WispException with every place tried and the linker's words, if there is none
   */
  static synchronized Nvrtc load() {
    if (opened == null) {
      opened =
          open(
              System.getProperty(PROPERTY),
              System.getenv(VARIABLE),
              installed(),
              CacheFolders.candidates());
    }
    return opened;
  }

  /** What the dynamic linker finds, then the toolkits in their usual place, newest name first. */
  private static List<Path> installed() {
    List<Path> files = new ArrayList<>(List.of(Path.of(NAME)));
    try (Stream<Path> toolkits = Files.list(Path.of("/usr/local"))) {
      toolkits
          .filter(folder -> String.valueOf(folder.getFileName()).startsWith("cuda"))
          .sorted((a, b) -> b.compareTo(a))
          .map(folder -> folder.resolve("lib64").resolve(NAME))
          .filter(Files::exists)
          .forEach(files::add);
    } catch (IOException none) {
      // No toolkit there.
    }
    return files;
  }

  /**
   * Opens the compiler of the override if there is one, else the first of the others that works.
   *
   * @param installed files to try, a bare name where the dynamic linker searches
   * @param cacheFolders where the copy on the class path may be extracted to
   */
  static Nvrtc open(
      @Nullable String property,
      @Nullable String variable,
      List<Path> installed,
      List<Path> cacheFolders) {
    List<String> tried = new ArrayList<>();
    String override = property != null ? property : variable;
    if (override != null) {
      String origin = property != null ? PROPERTY : VARIABLE;
      Path place = Path.of(override);
      SharedLibrary library = open(Files.isDirectory(place) ? place.resolve(NAME) : place, tried);
      if (library == null) {
        throw new WispException(
            "the NVRTC named by %s cannot be used: %s; correct or unset %s"
                .formatted(origin, String.join("; ", tried), origin));
      }
      return new Nvrtc(library);
    }
    SharedLibrary library = null;
    for (Path file : installed) {
      if (library == null) {
        library = open(file, tried);
      }
    }
    if (library == null) {
      library = extracted(cacheFolders, tried);
    }
    if (library == null) {
      throw new WispException(
          ("NVRTC, the compiler of kernels, cannot be loaded: %s; put org.bytedeco:cuda-redist with"
                  + " its linux-x86_64 classifier on the class path, install CUDA 12, or name its"
                  + " folder with -D%s")
              .formatted(String.join("; ", tried), PROPERTY));
    }
    return new Nvrtc(library);
  }

  private static @Nullable SharedLibrary open(Path file, List<String> tried) {
    Path folder = file.getParent();
    if (folder != null) {
      openBuiltins(folder);
    }
    return SharedLibrary.open(file.toString(), tried);
  }

  private static void openBuiltins(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      files
          .filter(file -> String.valueOf(file.getFileName()).startsWith(BUILTINS))
          .forEach(file -> SharedLibrary.open(file.toString(), new ArrayList<>()));
    } catch (IOException unreadable) {
      // NVRTC looks for them itself, and says so when it misses them.
    }
  }

  private static @Nullable SharedLibrary extracted(List<Path> folders, List<String> tried) {
    for (Path cache : folders) {
      try {
        Path builtins = extract(BUILTINS_RESOURCE, cache);
        Path library = extract(NAME, cache);
        if (builtins == null || library == null) {
          tried.add("the class path has no " + RESOURCES + NAME);
          return null;
        }
        // By its path: what has another file name than it asks for must be open already.
        SharedLibrary.open(builtins.toString(), tried);
        SharedLibrary opened = SharedLibrary.open(library.toString(), tried);
        if (opened != null) {
          return opened;
        }
      } catch (IOException unusable) {
        tried.add(cache + ": cannot extract there: " + unusable.getMessage());
      }
    }
    return null;
  }

  /**
   * Copies a library of the class path into a folder named by the size and checksum its archive
   * gives: hashing 100 MB at every start would take longer than compiling.
   */
  private static @Nullable Path extract(String name, Path cache) throws IOException {
    URL resource = NvrtcLibrary.class.getResource(RESOURCES + name);
    if (resource == null || !(resource.openConnection() instanceof JarURLConnection archive)) {
      return null;
    }
    archive.setUseCaches(false);
    try (JarFile jar = archive.getJarFile()) {
      JarEntry entry = archive.getJarEntry();
      Path folder = cache.resolve("nvrtc-%08x-%d".formatted(entry.getCrc(), entry.getSize()));
      Path file = folder.resolve(name);
      if (Files.exists(file) && Files.size(file) == entry.getSize()) {
        return file;
      }
      try (InputStream content = jar.getInputStream(entry)) {
        return CacheFolders.store(folder, name, content);
      }
    }
  }
}
