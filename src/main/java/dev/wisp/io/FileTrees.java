package dev.wisp.io;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/** Files and folders with all that is in them. */
public final class FileTrees {
  private FileTrees() {}

  /**
   * Deletes a file, or a folder with its content; symbolic links are not followed. Nothing happens
   * where there is none.
   *
   * @throws dev.wisp.common.WispException when the file system refuses
   */
  public static void delete(Path path) {
    if (!Files.exists(path)) {
      return;
    }
    try (Stream<Path> tree = Files.walk(path)) {
      for (Path each : tree.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(each);
      }
    } catch (IOException e) {
      throw FileErrors.writing(path, e);
    }
  }
}
