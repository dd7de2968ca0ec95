package dev.wisp.pipeline;

import dev.wisp.data.Dataset;
import dev.wisp.data.Sample;
import dev.wisp.io.FileErrors;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.zip.CRC32C;

/** Short digests that tell whether an interrupted command goes on with the same inputs. */
final class Fingerprint {
  private static final int BYTES = 8;

  private Fingerprint() {}

  /** Of a dataset's class names, image names and labels; pixels are not read. */
  static String of(Dataset dataset) {
    StringBuilder text = new StringBuilder(String.join(";", dataset.classNames()));
    for (Sample sample : dataset.samples()) {
      text.append('\n').append(sample.id()).append(Arrays.toString(sample.classes()));
    }
    return of(text.toString());
  }

  /** Of a file's content. */
  static String of(Path file) {
    CRC32C crc = new CRC32C();
    byte[] piece = new byte[1 << 16];
    try (InputStream in = Files.newInputStream(file)) {
      for (int n = in.read(piece); n > 0; n = in.read(piece)) {
        crc.update(piece, 0, n);
      }
      return "%08x-%d".formatted(crc.getValue(), Files.size(file));
    } catch (IOException e) {
      throw FileErrors.reading(file, e);
    }
  }

  /** Of a text. */
  static String of(String text) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest, 0, BYTES);
    } catch (NoSuchAlgorithmException impossible) {
      throw new AssertionError("every JDK has SHA-256", impossible);
    }
  }
}
