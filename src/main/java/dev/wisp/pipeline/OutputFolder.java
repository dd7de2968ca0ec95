package dev.wisp.pipeline;

import dev.wisp.io.AtomicFiles;
import dev.wisp.io.FileErrors;
import dev.wisp.io.FileTrees;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** An output folder that remembers what its content was made with. */
final class OutputFolder {
  private OutputFolder() {}

  /**
   * Takes a folder, or refuses one that other settings began.
   *
   * @param name of the file that holds the settings
   * @param settings whatever decides the content, as text
   * @param contents folders that are emptied where other settings filled them and that is allowed
   * @param force whether it is
   * @throws dev.wisp.common.WispException for content of other settings
   */
  static void claim(
      Path folder, String name, String settings, List<String> contents, boolean force) {
    Path file = folder.resolve(name);
    try {
      if (Files.exists(file) && !Files.readString(file, StandardCharsets.UTF_8).equals(settings)) {
        if (!force) {
          throw FileErrors.of(
              folder,
              "holds labels of other weights or settings (see %s); name another folder or use --force"
                  .formatted(name));
        }
        contents.forEach(content -> FileTrees.delete(folder.resolve(content)));
      }
    } catch (IOException e) {
      throw FileErrors.reading(file, e);
    }
    AtomicFiles.writeString(file, settings);
  }
}
