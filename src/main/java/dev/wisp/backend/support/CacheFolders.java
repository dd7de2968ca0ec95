package dev.wisp.backend.support;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/** Where files that can be made again are kept between runs: native libraries, compiled kernels. */
public final class CacheFolders {
  /** System property that names the first folder to try. */
  public static final String PROPERTY = "wisp.cache";

  private CacheFolders() {}

  /**
   * Folders to try, best first: that of {@value #PROPERTY}, then {@code wisp} in the user's cache
   * folder, then one below the system's temporary folder.
   */
  public static List<Path> candidates() {
    List<Path> folders = new ArrayList<>();
    String chosen = System.getProperty(PROPERTY);
    if (chosen != null) {
      folders.add(Path.of(chosen));
    }
    String cache = System.getenv("XDG_CACHE_HOME");
    folders.add(
        (cache == null || cache.isBlank()
                ? Path.of(System.getProperty("user.home"), ".cache")
                : Path.of(cache))
            .resolve("wisp"));
    folders.add(Path.of(System.getProperty("java.io.tmpdir"), "wisp-" + user()));
    return folders;
  }

  private static String user() {
    return System.getProperty("user.name", "user").replaceAll("[^A-Za-z0-9._-]", "_");
  }

  /**
   * Puts a file of this content into a folder, which is made if it is missing: written under
   * another name, synced and renamed, so that nobody ever sees a part of it. An equal file stays.
   *
   * @return the file
   * @throws IOException if the folder cannot be written
   */
  public static Path store(Path folder, String name, byte[] content) throws IOException {
    Path target = folder.resolve(name);
    return Files.exists(target) && Arrays.equals(Files.readAllBytes(target), content)
        ? target
        : store(folder, name, new ByteArrayInputStream(content));
  }

  /** Like {@link #store(Path, String, byte[])}, replacing whatever has the name. */
  public static Path store(Path folder, String name, InputStream content) throws IOException {
    Files.createDirectories(folder);
    Path target = folder.resolve(name);
    Path temporary = Files.createTempFile(folder, name, ".part");
    try {
      Files.copy(content, temporary, StandardCopyOption.REPLACE_EXISTING);
      try (FileChannel written = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
        written.force(true);
      }
      Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(temporary);
    }
    return target;
  }

  /** SHA-256 of the parts in order, in hexadecimal; each part's length goes in before it. */
  public static String hash(byte[]... parts) {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException impossible) {
      throw new AssertionError(impossible);
    }
    for (byte[] part : parts) {
      if (parts.length > 1) {
        digest.update(HexFormat.of().parseHex("%016x".formatted(part.length)));
      }
      digest.update(part);
    }
    return HexFormat.of().formatHex(digest.digest());
  }
}
