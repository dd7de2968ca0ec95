package dev.wisp.backend.cuda;

import dev.wisp.backend.support.SharedLibrary;
import dev.wisp.common.WispException;
import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Finds cuDNN 9: in the folder named by the system property {@value #PROPERTY}; else installed,
 * where the dynamic linker searches; else the copy on the class path. Its libraries, and those of
 * CUDA 12 that its preset is linked with, are opened here first: the preset finds what is open by
 * name, and its classes, which fail for the life of the JVM if they fail once, are not touched
 * before everything they need is there.
 */
final class CudnnLibrary {
  static final String PROPERTY = "wisp.cudnn.path";

  /** Opens the others; knows its version. */
  private static final String GRAPH = "libcudnn_graph.so.9";

  /** In the order in which they need each other. */
  private static final List<String> CUDNN =
      List.of(GRAPH, "libcudnn_ops.so.9", "libcudnn_cnn.so.9", "libcudnn_adv.so.9");

  private static final List<String> CUDA =
      List.of("libcudart.so.12", "libcublasLt.so.12", "libcublas.so.12");

  private static final String RESOURCES = "/org/bytedeco/cuda/linux-x86_64/";

  /** What follows from its absence. */
  private static final String FALLBACK = "; convolutions run by Wisp's plain kernels";

  private static @Nullable State found;

  private CudnnLibrary() {}

  /**
   * What a search has found.
   *
   * @param usable whether everything is there that the preset needs
   * @param text the version and where from, else in one line what is missing and what to do
   */
  record State(boolean usable, String text) {
    /** One line for a user. */
    String note() {
      return usable ? text : withoutIt(text);
    }
  }

  /** One line for a user: why cuDNN is not used, and what is instead. */
  static String withoutIt(String reason) {
    return reason + FALLBACK;
  }

  /**
   * Searches once per process. Opens libraries, touches no class of a preset.
   *
   * @throws WispException in one line, if the folder named by the property cannot be used
   */
  static synchronized State find() {
    if (found == null) {
      CudaProbe.requireDriver();
      found = find(System.getProperty(PROPERTY), toolkits());
    }
    return found;
  }

  /** Folders of installed CUDA toolkits, newest name first. */
  static List<Path> toolkits() {
    try (Stream<Path> all = Files.list(Path.of("/usr/local"))) {
      return all.filter(folder -> String.valueOf(folder.getFileName()).startsWith("cuda-12"))
          .sorted((a, b) -> b.compareTo(a))
          .map(folder -> folder.resolve("lib64"))
          .filter(Files::isDirectory)
          .toList();
    } catch (IOException none) {
      return List.of();
    }
  }

  /**
   * Searches in the named folder if there is one, else where libraries are installed, else on the
   * class path.
   *
   * @param named folder of cuDNN's libraries, or a file in it; or null
   * @param toolkits folders to search after the dynamic linker's
   */
  static State find(@Nullable String named, List<Path> toolkits) {
    List<Path> folders = new ArrayList<>(toolkits);
    Path folder = null;
    if (named != null) {
      Path place = Path.of(named).toAbsolutePath();
      folder = Files.isDirectory(place) || place.getParent() == null ? place : place.getParent();
      folders.addFirst(folder);
    }
    // First: cuDNN's libraries may need them, in folders where the dynamic linker does not search.
    String cuda = open(CUDA, null, folders);
    String missing = open(CUDNN, folder, toolkits);
    if (missing != null && folder != null) {
      throw new WispException(
          "the cuDNN named by %s cannot be used: %s; correct or unset %s"
              .formatted(PROPERTY, missing, PROPERTY));
    }
    if (missing != null) {
      return new State(
          false,
          "cuDNN 9 was not found (%s): install cuDNN 9 for CUDA 12 or name its folder with -D%s"
              .formatted(missing, PROPERTY));
    }
    if (cuda != null) {
      return new State(
          false,
          "cuDNN 9 needs what was not found (%s): install cuBLAS of CUDA 12".formatted(cuda));
    }
    return new State(true, folder == null ? version(null) : version(folder) + " of " + folder);
  }

  /**
   * Opens libraries.
   *
   * @param only the one folder to look in, or null: where the dynamic linker searches, then in
   *     {@code folders}, then on the class path
   * @return null if all are there, else the linker's words for the first that is not
   */
  private static @Nullable String open(
      List<String> names, @Nullable Path only, List<Path> folders) {
    for (String name : names) {
      String missing =
          only == null
              ? open(name, folders, true)
              : open(only.resolve(name).toString(), List.of(), false);
      if (missing != null) {
        return missing;
      }
    }
    return null;
  }

  private static @Nullable String open(String name, List<Path> folders, boolean onClassPath) {
    List<String> tried = new ArrayList<>();
    if (SharedLibrary.open(name, tried) != null) {
      return null;
    }
    for (Path folder : folders) {
      Path file = folder.resolve(name);
      if (Files.exists(file) && SharedLibrary.open(file.toString(), tried) != null) {
        return null;
      }
    }
    // JavaCPP extracts and opens that one.
    return onClassPath && onClassPath(name) ? null : String.join("; ", tried);
  }

  /** Whether a preset brings the library along. */
  static boolean onClassPath(String name) {
    return CudnnLibrary.class.getResource(RESOURCES + name) != null;
  }

  /**
   * {@code cuDNN 9.5.0}; of the class path, whose library nobody has opened yet, without number.
   */
  private static String version(@Nullable Path folder) {
    List<String> tried = new ArrayList<>();
    SharedLibrary library =
        SharedLibrary.open(folder == null ? GRAPH : folder.resolve(GRAPH).toString(), tried);
    long function = library == null ? 0 : library.address("cudnnGetVersion");
    if (function == 0) {
      return "cuDNN 9 of the class path";
    }
    try {
      long number =
          (long)
              Linker.nativeLinker()
                  .downcallHandle(
                      MemorySegment.ofAddress(function),
                      FunctionDescriptor.of(ValueLayout.JAVA_LONG))
                  .invokeExact();
      return version(number);
    } catch (Throwable impossible) {
      throw new AssertionError("cudnnGetVersion", impossible);
    }
  }

  /** {@code cuDNN 9.5.0} for 90500. */
  static String version(long number) {
    return "cuDNN %d.%d.%d".formatted(number / 10_000, number / 100 % 100, number % 100);
  }
}
