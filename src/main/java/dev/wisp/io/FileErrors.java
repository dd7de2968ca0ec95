package dev.wisp.io;

import dev.wisp.common.WispException;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;

/** One-line messages about files. */
public final class FileErrors {
  private static final int LONGEST = 300;

  private FileErrors() {}

  /** The user's error "FILE: problem". */
  public static WispException of(Path file, String problem) {
    return new WispException(oneLine(file + ": ", Integer.MAX_VALUE) + oneLine(problem));
  }

  /** The user's error "FILE: problem" with what led to it. */
  public static WispException of(Path file, String problem, Throwable cause) {
    return new WispException(oneLine(file + ": ", Integer.MAX_VALUE) + oneLine(problem), cause);
  }

  /** The user's error for a failed read: "FILE: cannot read: reason". */
  public static WispException reading(Path file, IOException cause) {
    return new WispException(
        oneLine(file + ": cannot read: ", Integer.MAX_VALUE) + reason(cause), cause);
  }

  /** The user's error for a failed write: "FILE: cannot write: reason". */
  public static WispException writing(Path file, IOException cause) {
    return new WispException(
        oneLine(file + ": cannot write: ", Integer.MAX_VALUE) + reason(cause), cause);
  }

  /** The reason of an input or output error in words; the JDK's message is often only the path. */
  public static String reason(IOException cause) {
    String said =
        switch (cause) {
          case NoSuchFileException e -> "no such file";
          case AccessDeniedException e -> "permission denied";
          case NotDirectoryException e -> "not a folder";
          case FileAlreadyExistsException e -> "something else has that name";
          case EOFException e -> "the file ends too early";
          case FileSystemException e when e.getReason() != null -> String.valueOf(e.getReason());
          default -> String.valueOf(cause.getMessage());
        };
    return oneLine(said);
  }

  /** The text without line breaks and control characters, cut to 300 characters. */
  public static String oneLine(String text) {
    return oneLine(text, LONGEST);
  }

  private static String oneLine(String text, int longest) {
    int kept = Math.min(text.length(), longest);
    StringBuilder line = new StringBuilder(kept + 3);
    for (int i = 0; i < kept; i++) {
      char c = text.charAt(i);
      line.append(Character.isISOControl(c) || c == '\u2028' || c == '\u2029' ? ' ' : c);
    }
    return kept < text.length() ? line.append("...").toString() : line.toString();
  }
}
