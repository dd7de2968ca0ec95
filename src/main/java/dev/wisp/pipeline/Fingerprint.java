package dev.wisp.pipeline;

import dev.wisp.common.Sha256;
import dev.wisp.data.Dataset;
import dev.wisp.data.Sample;
import dev.wisp.pipeline.stages.FileDigest;
import java.nio.file.Path;
import java.util.Arrays;

/** Short digests that tell whether an interrupted command goes on with the same inputs. */
final class Fingerprint {
  private static final int DIGITS = 16;

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
    FileDigest digest = FileDigest.of(file);
    return digest.crc32c() + "-" + digest.size();
  }

  /** Of a text. */
  static String of(String text) {
    return Sha256.of(text).substring(0, DIGITS);
  }
}
