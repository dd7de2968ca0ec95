package dev.wisp.pipeline;

import dev.wisp.common.WispException;
import dev.wisp.data.Dataset;
import dev.wisp.data.Sample;
import dev.wisp.data.loader.SampleSource;
import dev.wisp.io.FileErrors;
import dev.wisp.io.ImageCodec;
import dev.wisp.io.Mask;
import java.nio.file.Files;
import java.nio.file.Path;

/** A folder of label files, {@code ID.png} for each sample. */
final class LabelFiles {
  private LabelFiles() {}

  /**
   * Checks that labels can be read from a folder.
   *
   * @throws WispException that says where labels come from, if it is missing
   */
  static void requireFolder(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw FileErrors.of(folder, "no such folder; make labels with: wisp label");
    }
  }

  /** A sample's file. */
  static Path of(Path folder, Sample sample) {
    return folder.resolve(sample.id() + ".png");
  }

  /** Reads the files of a folder as the labels of an image's pixels. */
  static SampleSource.Masks masks(Path folder) {
    return (sample, image) -> {
      Path file = of(folder, sample);
      Mask label = ImageCodec.readMask(file);
      requireSize(file, label, "image", image.width(), image.height());
      return label;
    };
  }

  /** Of the images' names and the label files' contents. */
  static String fingerprint(Dataset data, Path folder) {
    StringBuilder text = new StringBuilder(Fingerprint.of(data));
    for (Sample sample : data.samples()) {
      Path file = of(folder, sample);
      text.append('\n').append(Files.isRegularFile(file) ? Fingerprint.of(file) : "none");
    }
    return Fingerprint.of(text.toString());
  }

  /**
   * Checks that a label has the size of what it belongs to.
   *
   * @param file the label's, for the message
   * @param owner what it belongs to, for the message
   */
  static void requireSize(Path file, Mask label, String owner, int width, int height) {
    if (label.width() != width || label.height() != height) {
      throw FileErrors.of(
          file,
          "is %dx%d pixels, the %s %dx%d"
              .formatted(label.width(), label.height(), owner, width, height));
    }
  }
}
