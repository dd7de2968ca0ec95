package dev.wisp.data;

import dev.wisp.common.WispException;
import dev.wisp.io.FileErrors;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Small UTF-8 text files line by line, each with its number for messages. */
final class TextLines {
  private static final long LONGEST = 1L << 28;

  /** A line that is not blank: its number from 1, its text without surrounding spaces. */
  record Line(int number, String text) {}

  private TextLines() {}

  /** The lines that are not blank; a byte order mark is dropped. */
  static List<Line> read(Path file) {
    String text = text(file);
    List<Line> lines = new ArrayList<>();
    int number = 0;
    for (String line : text.lines().toList()) {
      number++;
      if (!line.isBlank()) {
        lines.add(new Line(number, line.strip()));
      }
    }
    return lines;
  }

  /** The whole text; a byte order mark is dropped. */
  static String text(Path file) {
    try {
      if (Files.size(file) > LONGEST) {
        throw FileErrors.of(file, "longer than 256 MiB: not a list");
      }
      String text = Files.readString(file);
      return text.startsWith("\uFEFF") ? text.substring(1) : text;
    } catch (CharacterCodingException e) {
      throw FileErrors.of(file, "not UTF-8 text", e);
    } catch (IOException e) {
      throw FileErrors.reading(file, e);
    }
  }

  /** The user's error "FILE line N: problem". */
  static WispException problem(Path file, int line, String problem) {
    return FileErrors.of(file, "line " + line + ": " + problem);
  }
}
