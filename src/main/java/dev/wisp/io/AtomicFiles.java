package dev.wisp.io;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Files that are there whole or not at all: written under a temporary name in the same folder,
 * synced, renamed, and the folder synced. A process killed at any moment leaves the old file or the
 * new one (and perhaps a temporary one, whose name ends in {@value #TEMPORARY_SUFFIX}).
 */
public final class AtomicFiles {
  /** The end of the name of a file that is not finished. */
  public static final String TEMPORARY_SUFFIX = ".tmp";

  private static final int BUFFER = 1 << 16;
  private static final AtomicLong SERIAL = new AtomicLong();

  private AtomicFiles() {}

  /** What writes a file's content. */
  @FunctionalInterface
  public interface Body {
    /** Writes all of the content; need not flush or close. */
    void writeTo(OutputStream out) throws IOException;
  }

  /**
   * Creates or replaces a file. Missing folders are made.
   *
   * @throws dev.wisp.common.WispException when the file system refuses; the old file is unharmed
   */
  public static void write(Path file, Body body) {
    Path target = file.toAbsolutePath();
    Path folder = target.getParent();
    Path name = target.getFileName();
    if (folder == null || name == null) {
      throw FileErrors.of(file, "cannot write: a folder, not a file");
    }
    Path temporary =
        folder.resolve(
            "."
                + name
                + "."
                + ProcessHandle.current().pid()
                + "-"
                + SERIAL.incrementAndGet()
                + TEMPORARY_SUFFIX);
    try {
      makeFolder(folder);
      try {
        writeSynced(temporary, body);
        Files.move(
            temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(temporary);
      }
      syncFolder(folder);
    } catch (IOException e) {
      throw FileErrors.writing(file, e);
    }
  }

  /**
   * Makes a folder that later work will write to, so that a place where nothing can be written is
   * known before the work is done.
   *
   * @throws dev.wisp.common.WispException if a file has the name, or the file system refuses
   */
  public static void makeFolder(Path folder) {
    try {
      Files.createDirectories(folder);
    } catch (FileAlreadyExistsException taken) {
      throw FileErrors.of(
          Path.of(taken.getFile()), "cannot write: it is a file; name a folder", taken);
    } catch (IOException e) {
      throw FileErrors.writing(folder, e);
    }
    if (!Files.isWritable(folder)) {
      throw FileErrors.of(folder, "cannot write: permission denied");
    }
  }

  /** Creates or replaces a file with these bytes, see {@link #write(Path, Body)}. */
  public static void write(Path file, byte[] content) {
    write(file, out -> out.write(content));
  }

  /** Creates or replaces a UTF-8 file, see {@link #write(Path, Body)}. */
  public static void writeString(Path file, String content) {
    write(file, content.getBytes(StandardCharsets.UTF_8));
  }

  private static void writeSynced(Path temporary, Body body) throws IOException {
    try (FileChannel channel =
        FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      OutputStream out = new BufferedOutputStream(Channels.newOutputStream(channel), BUFFER);
      body.writeTo(out);
      out.flush();
      channel.force(true);
    }
  }

  /** Makes the renames in a folder last: without it a crash may bring the old name back. */
  public static void syncFolder(Path folder) throws IOException {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }
}
