package dev.wisp.pipeline;

import dev.wisp.common.WispException;
import dev.wisp.data.Dataset;
import dev.wisp.data.Sample;
import dev.wisp.io.FileErrors;
import dev.wisp.io.ImageCodec;
import dev.wisp.io.Mask;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/** Scores label files against a dataset's masks. */
public final class Evaluation {
  private Evaluation() {}

  /**
   * What was counted.
   *
   * @param confusion over all scored images
   * @param scored number of images
   * @param skipped images that could not be scored, with the reason
   */
  public record Report(Confusion confusion, int scored, Map<String, String> skipped) {}

  /** Sees the counts of each scored image alone. */
  @FunctionalInterface
  public interface Witness {
    void see(Sample sample, Confusion confusion);
  }

  /**
   * Scores {@code labels/ID.png} of every sample.
   *
   * @throws WispException if the folder is missing or no image can be scored
   */
  public static Report labels(Dataset dataset, Path labels, Progress progress) {
    return labels(dataset, labels, progress, (sample, confusion) -> {});
  }

  /**
   * Scores {@code labels/ID.png} of every sample, and shows each image's counts in the samples'
   * order.
   *
   * @throws WispException if the folder is missing or no image can be scored
   */
  public static Report labels(Dataset dataset, Path labels, Progress progress, Witness witness) {
    LabelFiles.requireFolder(labels);
    Confusion confusion = new Confusion(dataset.classCount() + 1);
    Map<String, String> skipped = new TreeMap<>();
    int done = 0;
    progress.begin("eval", 0, dataset.samples().size());
    try {
      for (Sample sample : dataset.samples()) {
        try {
          Confusion one = count(dataset, sample, labels);
          confusion.add(one);
          witness.see(sample, one);
        } catch (WispException unusable) {
          skipped.put(sample.id(), String.valueOf(unusable.getMessage()));
        }
        progress.advance(++done, "");
      }
    } finally {
      progress.end();
    }
    if (skipped.size() == dataset.samples().size()) {
      throw FileErrors.of(
          labels,
          "none of the %d images can be scored; the first: %s"
              .formatted(
                  dataset.samples().size(),
                  skipped.values().stream().findFirst().orElse("the list is empty")));
    }
    return new Report(confusion, done - skipped.size(), skipped);
  }

  /**
   * The counts of one image.
   *
   * @param labels folder of {@code ID.png}
   * @throws WispException if mask or label are missing, damaged or of different sizes
   */
  static Confusion count(Dataset dataset, Sample sample, Path labels) {
    Mask truth = truth(dataset, sample);
    Path file = LabelFiles.of(labels, sample);
    Mask label = ImageCodec.readMask(file);
    LabelFiles.requireSize(file, label, "mask", truth.width(), truth.height());
    Confusion confusion = new Confusion(dataset.classCount() + 1);
    confusion.add(truth.index(), label.index());
    return confusion;
  }

  /** A sample's mask, checked to hold classes of the dataset and 255 only. */
  static Mask truth(Dataset dataset, Sample sample) {
    Mask truth = dataset.mask(sample);
    boolean[] seen = new boolean[256];
    for (byte id : truth.index()) {
      seen[id & 0xFF] = true;
    }
    for (int id = dataset.classCount() + 1; id < Mask.VOID; id++) {
      if (seen[id]) {
        throw new WispException(
            "%s: holds class %d, but the dataset has classes 0..%d"
                .formatted(sample.mask().orElseThrow(), id, dataset.classCount()));
      }
    }
    return truth;
  }

  /** A table of IoU per class and their mean, one line each. */
  public static String table(
      Dataset dataset, Confusion confusion, Confusion.Convention convention) {
    double[] iou = confusion.iou(convention);
    int wide = Math.max(10, dataset.classNames().stream().mapToInt(String::length).max().orElse(0));
    StringBuilder text = new StringBuilder();
    for (int k = 0; k < iou.length; k++) {
      text.append(line(wide, dataset.className(k), iou[k]));
    }
    double mean = Arrays.stream(iou).filter(v -> !Double.isNaN(v)).average().orElse(Double.NaN);
    return text.append(line(wide, "mIoU", mean)).toString();
  }

  private static String line(int wide, String name, double value) {
    String shown = Double.isNaN(value) ? "-" : "%.2f".formatted(100 * value);
    return ("%-" + wide + "s %6s%n").formatted(name, shown);
  }
}
