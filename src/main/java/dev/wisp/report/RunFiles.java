package dev.wisp.report;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/** The files of a run that a server may hand out: those inside the run's folder, no others. */
final class RunFiles {
  /** What a page links to, of the run's folder and of the folders in it. */
  private static final List<String> LINKED =
      List.of(
          "recipe.yaml",
          "metrics.jsonl",
          "labelling.yaml",
          "ablation.md",
          "ablation.csv",
          "summary.json",
          "picture.png");

  private RunFiles() {}

  /**
   * Finds a file by the path that a request asks for.
   *
   * @param asked relative to the run, decoded once, with slashes
   * @return empty for everything that is not a plain file inside the run, followed through links;
   *     for hidden files, and for names that climb
   */
  static Optional<Path> find(Path run, String asked) {
    for (String part : asked.split("/", -1)) {
      if (part.isEmpty() || part.startsWith(".") || part.indexOf('\\') >= 0) {
        return Optional.empty();
      }
    }
    try {
      Path real = run.resolve(asked).toRealPath();
      return real.startsWith(run.toRealPath()) && Files.isRegularFile(real)
          ? Optional.of(real)
          : Optional.empty();
    } catch (IOException | InvalidPathException missing) {
      return Optional.empty();
    }
  }

  /** The linked files that are there, relative to the run. */
  static List<String> linked(Path run) throws IOException {
    try (Stream<Path> files = Files.find(run, 2, (path, is) -> is.isRegularFile())) {
      return files
          .filter(file -> LINKED.contains(String.valueOf(file.getFileName())))
          .map(file -> run.relativize(file).toString())
          .sorted()
          .toList();
    }
  }

  /** The media type by the name's ending; text for what a reader wants to read. */
  static String type(Path file) {
    String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
    return switch (name.substring(name.lastIndexOf('.') + 1)) {
      case "json" -> "application/json";
      case "jsonl", "yaml", "md", "csv", "txt" -> "text/plain; charset=utf-8";
      case "png" -> "image/png";
      case "jpg", "jpeg" -> "image/jpeg";
      default -> "application/octet-stream";
    };
  }
}
