package dev.wisp.data;

import dev.wisp.io.FileErrors;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A list file: one image a line, by name ({@code 2007_000032}), or as the AE-SIPE release writes
 * it, with paths below the dataset's folder ({@code /JPEGImages/2007_000032.jpg
 * /SegmentationClassAug/2007_000032.png}; the mask's column may be missing).
 */
final class ImageList {
  private static final List<String> ENDINGS =
      List.of(".jpg", ".png", ".jpeg", ".JPG", ".PNG", ".JPEG");

  /**
   * One line.
   *
   * @param line its number, for messages
   * @param id the image's name: the last part of its path without the ending
   * @param imagePath as listed, or null where the line has only a name
   * @param maskPath as listed, or null
   */
  record Entry(int line, String id, @Nullable String imagePath, @Nullable String maskPath) {}

  private ImageList() {}

  /** Reads a list. */
  static List<Entry> read(Path file) {
    List<Entry> entries = new ArrayList<>();
    for (TextLines.Line line : TextLines.read(file)) {
      if (!line.text().contains("/")) {
        entries.add(new Entry(line.number(), line.text(), null, null));
        continue;
      }
      String[] columns = line.text().split("\\s+");
      if (columns.length > 2) {
        throw TextLines.problem(
            file,
            line.number(),
            "expected an image and a mask, found " + columns.length + " columns");
      }
      String name = columns[0].substring(columns[0].lastIndexOf('/') + 1);
      entries.add(
          new Entry(
              line.number(), stem(name), columns[0], columns.length == 2 ? columns[1] : null));
    }
    if (entries.isEmpty()) {
      throw FileErrors.of(file, "the list is empty");
    }
    return entries;
  }

  /** A name without its picture ending, if it has one. */
  static String stem(String name) {
    int dot = name.lastIndexOf('.');
    return dot > 0 && ENDINGS.contains(name.substring(dot)) ? name.substring(0, dot) : name;
  }

  /** Whether a file is named like a picture. */
  static boolean isPicture(Path file) {
    String name = String.valueOf(file.getFileName());
    return !stem(name).equals(name);
  }

  /** A path as listed, below a folder; leading slashes mean the folder. Null if it is no path. */
  static @Nullable Path below(Path folder, String listed) {
    try {
      return folder.resolve(listed.replaceFirst("^/+", ""));
    } catch (InvalidPathException e) {
      return null;
    }
  }

  /** The picture of this name in a folder, whatever its ending; null if there is none. */
  static @Nullable Path find(Path folder, String name) {
    Path exact = below(folder, name);
    if (exact == null) {
      return null;
    }
    if (isPicture(exact) && Files.isRegularFile(exact)) {
      return exact;
    }
    for (String ending : ENDINGS) {
      Path candidate = below(folder, name + ending);
      if (candidate != null && Files.isRegularFile(candidate)) {
        return candidate;
      }
    }
    return null;
  }
}
