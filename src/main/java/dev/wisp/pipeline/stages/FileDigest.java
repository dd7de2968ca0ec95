package dev.wisp.pipeline.stages;

import dev.wisp.common.WispException;
import dev.wisp.io.AtomicFiles;
import dev.wisp.io.FileErrors;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

/**
 * A file's content in short, and what tells cheaply that it is probably still the same.
 *
 * @param size in bytes
 * @param modified in milliseconds since 1970
 * @param crc32c of the content, eight hexadecimal digits
 */
public record FileDigest(long size, long modified, String crc32c) {
  /** Of a file; reads all of it. */
  public static FileDigest of(Path file) {
    CRC32C crc = new CRC32C();
    byte[] piece = new byte[1 << 16];
    try (InputStream in = Files.newInputStream(file)) {
      BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
      for (int n = in.read(piece); n > 0; n = in.read(piece)) {
        crc.update(piece, 0, n);
      }
      return new FileDigest(
          attributes.size(),
          attributes.lastModifiedTime().toMillis(),
          "%08x".formatted(crc.getValue()));
    } catch (IOException e) {
      throw FileErrors.reading(file, e);
    }
  }

  /**
   * Whether a file still has this content: by size and time where both agree, else by reading it.
   */
  boolean matches(Path file) {
    try {
      BasicFileAttributes now = Files.readAttributes(file, BasicFileAttributes.class);
      if (now.size() != size) {
        return false;
      }
      return now.lastModifiedTime().toMillis() == modified || of(file).crc32c.equals(crc32c);
    } catch (IOException e) {
      throw FileErrors.reading(file, e);
    }
  }

  /**
   * Of all files at or below some paths, by path below the root with {@code /} between names;
   * unfinished files are left out.
   *
   * @throws WispException if one of the paths does not exist
   */
  static SortedMap<String, FileDigest> tree(Path root, List<Path> paths) {
    SortedMap<String, FileDigest> digests = new TreeMap<>();
    for (Path path : paths) {
      if (!Files.exists(path)) {
        throw FileErrors.of(path, "was not written by the stage that is to write it");
      }
      try (Stream<Path> files = Files.walk(path)) {
        files
            .filter(Files::isRegularFile)
            .filter(file -> !file.toString().endsWith(AtomicFiles.TEMPORARY_SUFFIX))
            .forEach(
                file -> digests.put(root.relativize(file).toString().replace('\\', '/'), of(file)));
      } catch (IOException e) {
        throw FileErrors.reading(path, e);
      }
    }
    return digests;
  }
}
